const f=require("./build/Release/fast.node");require("http").createServer((q,s)=>s.end("native "+f.answer())).listen(process.env.PORT);
