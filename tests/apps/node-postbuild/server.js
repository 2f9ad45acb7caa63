require("http").createServer((q,s)=>s.end(require("fs").readFileSync("made.txt"))).listen(process.env.PORT);
