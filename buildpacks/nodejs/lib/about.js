// Answers what bin/finalize asks about package.json and the lock file: `node about.js QUESTION`, one line.
const fs = require("fs");
const about = JSON.parse(fs.readFileSync("package.json", "utf8"));
const scripts = about.scripts || {};
const has = (...keys) => keys.some((key) => Object.keys(about[key] || {}).length);
const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");

// Which client a lock file is for, and in which version: what packageManager says, else the last one that writes such a file.
function client() {
  const [, name, version] = /^(npm|yarn|pnpm)@(\d[\w.-]*)/.exec(about.packageManager || "") || [];
  const named = (other) => (name === other ? version : undefined);
  if (fs.existsSync("package-lock.json") || fs.existsSync("npm-shrinkwrap.json")) return "npm";
  const yarn = read("yarn.lock");
  if (yarn) {
    const modern = /^__metadata:/m.test(yarn);
    const asked = named("yarn") || (modern ? "4" : "1");
    return /^1(\.|$)/.test(asked) ? `yarn yarn@${asked}` : `berry @yarnpkg/cli-dist@${asked}`;
  }
  const pnpm = read("pnpm-lock.yaml");
  if (pnpm) {
    const [, format] = /^lockfileVersion: *'?(\d+)/m.exec(pnpm) || [];
    return `pnpm pnpm@${named("pnpm") || { 5: "7", 6: "8" }[format] || "9"}`;
  }
  return "npm";
}

// `node FILE` is started without npm in between: less memory, and signals arrive.
function start() {
  const start = scripts.start;
  if (start && !scripts.prestart && !scripts.poststart && /^node( [\w./:=@,+-]+)+$/.test(start)) return start;
  if (start) return "npm start";
  const main = typeof about.main === "string" ? [about.main, about.main + ".js", about.main + "/index.js"] : [];
  const is = (name) => fs.existsSync(name) && fs.statSync(name).isFile();
  const file = ["server.js", ...main, "app.js", "index.js"].find((name) => is(name) && /^[\w./-]+$/.test(name));
  return file ? "node " + file.replace(/^\.\//, "") : "";
}

const answers = {
  client,
  start,
  // Is there anything to install? Tools for building count where something is built.
  needs: () => (has("dependencies", "optionalDependencies", "workspaces") || scripts.install || fs.existsSync("binding.gyp") || (process.argv[3] && has("devDependencies")) ? "yes" : ""),
  script: () => (process.argv[3] in scripts ? "yes" : ""),
};
const answer = answers[process.argv[2]]();
if (answer) console.log(answer);
