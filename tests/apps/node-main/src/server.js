const http=require("http");http.createServer((q,s)=>s.end("node "+process.env.NODE_ENV)).listen(process.env.PORT);
