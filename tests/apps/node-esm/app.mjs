import http from "node:http";
import ms from "ms";
http.createServer((q, s) => s.end("esm " + ms("1s"))).listen(process.env.PORT);
