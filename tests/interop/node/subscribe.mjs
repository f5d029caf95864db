// Prints everything below aims/v1 as one JSON object a line: node subscribe.mjs PORT PROTOCOL_VERSION
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/package.json`);
const mqtt = require("mqtt");

const [port, version] = process.argv.slice(2).map(Number);
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: version, clean: true });
client.on("connect", () => client.subscribe("aims/v1/#", { qos: 1 }, () => console.log("subscribed")));
client.on("error", (error) => console.log(`error: ${error.message}`));
client.on("message", (topic, payload, { retain, properties }) => {
  const { contentType, userProperties } = properties ?? {};
  console.log(JSON.stringify({ topic, retain, contentType, userProperties, payload: payload.toString() }));
});
