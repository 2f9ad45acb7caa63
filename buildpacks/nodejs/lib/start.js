// Prints the start command, or nothing. `node FILE` is started without npm in between: less memory, and signals arrive.
const fs = require("fs");
const scripts = JSON.parse(fs.readFileSync("package.json", "utf8")).scripts || {};
const start = scripts.start;
if (start && !scripts.prestart && !scripts.poststart && /^node [\w./-]+$/.test(start)) console.log(start);
else if (start) console.log("npm start");
else {
  const file = ["server.js", "app.js", "index.js"].find((name) => fs.existsSync(name));
  if (file) console.log("node " + file);
}
