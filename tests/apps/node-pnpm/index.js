const ms=require("ms");require("http").createServer((q,s)=>s.end("yarn "+ms("1s"))).listen(process.env.PORT);
