// Parses an AsyncAPI document with the format's own parser and prints what it says: node asyncapi.mjs FILE
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/package.json`);
const { Parser, fromFile } = require("@asyncapi/parser");

const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
console.log(JSON.stringify({
  diagnostics: diagnostics.map(({ code, message, severity, path }) => ({ code, message, severity, path })),
  version: document?.version() ?? null,
  channels: document?.channels().all().map((each) => each.address()) ?? [],
  messages: document?.messages().all().map((each) => each.name()) ?? [],
  operations: document?.operations().all().map((each) => each.action()) ?? [],
}));
