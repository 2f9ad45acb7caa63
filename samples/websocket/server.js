// A WebSocket echo that numbers what it sends back, and a page to try it on.
const http = require("http");
const fs = require("fs");
const { WebSocketServer } = require("ws");

const instance = Number(process.env.CF_INSTANCE_INDEX || 0);
const page = fs.readFileSync(__dirname + "/index.html");
const server = http.createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
});
const sockets = new WebSocketServer({ server, maxPayload: 1 << 20 });
sockets.on("connection", (socket) => {
  let count = 0;
  socket.on("error", (error) => console.error(error.message));
  socket.on("message", (data, binary) => {
    count += 1;
    socket.send(binary ? data : `instance ${instance}, message ${count}: ${data}`, { binary });
  });
});
server.listen(process.env.PORT || 8080, () => console.log(`listening on ${server.address().port}`));
process.on("SIGTERM", () => {
  for (const socket of sockets.clients) socket.close(1001, "going away");
  server.close(() => process.exit(0));
});
