// Does package.json ask for this Node.js? npm's own semver decides; without npm nothing is installed anyway.
const fs = require("fs");
const path = require("path");
const fail = (text) => {
  console.error("       **ERROR** " + text);
  process.exit(1);
};
let about;
try {
  about = JSON.parse(fs.readFileSync("package.json", "utf8"));
} catch (error) {
  fail("package.json cannot be read: " + error.message);
}
const asked = about.engines && about.engines.node;
let semver;
for (const folder of ["/usr/lib/node_modules/npm/node_modules", "/usr/share/nodejs", "/usr/local/lib/node_modules/npm/node_modules"]) {
  try {
    semver = require(path.join(folder, "semver"));
    break;
  } catch {}
}
if (asked && semver) {
  if (!semver.validRange(asked)) fail(`package.json: engines.node ${JSON.stringify(asked)} is no range of versions`);
  if (!semver.satisfies(process.version, asked))
    fail(`package.json asks for Node.js ${asked}, this stack has ${process.version.slice(1)}: change engines.node, or choose another stack`);
}
