import { createServer } from "node:http";
const words: string = "built";
createServer((q, s) => { s.end(words); }).listen(Number(process.env.PORT));
