// A lap counter: each instance counts the requests that it has answered.
const express = require("express");

const app = express();
const instance = Number(process.env.CF_INSTANCE_INDEX || 0);
const style = "body{font:1.1rem/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:100vh;margin:0;background:#f4f1ea;color:#22252a}main{text-align:center}b{color:#e4572e}";
let laps = 0;

app.get("/", (request, response) => {
  laps += 1;
  response.format({
    json: () => response.json({ sample: "node", instance, laps, node: process.versions.node }),
    html: () => response.send(`<!doctype html><title>Node</title><style>${style}</style><main><h1>Lap <b>${laps}</b></h1><p>instance ${instance}, Node.js ${process.versions.node}</p></main>`),
  });
});

// Server-sent events: the lap counter, live.
app.get("/events", (request, response) => {
  response.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-cache" }).flushHeaders();
  const timer = setInterval(() => response.write(`data: ${JSON.stringify({ instance, laps })}\n\n`), 1000);
  request.on("close", () => clearInterval(timer));
});

const server = app.listen(process.env.PORT || 8080, () => console.log(`listening on ${server.address().port}`));
process.on("SIGTERM", () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
