// MQTT.js over a WebSocket: subscribes, publishes to itself, hears what others publish, and is refused.
import { clients, input, say } from "./say.mjs";

const mqtt = clients("mqtt");
const { SignatureV4 } = clients("@smithy/signature-v4");
const { Sha256 } = clients("@aws-crypto/sha256-js");

async function address(secretAccessKey) {
  const url = new URL(input.address);
  const signer = new SignatureV4({
    service: "iotdevicegateway",
    region: "us-east-1",
    sha256: Sha256,
    credentials: { accessKeyId: "test", secretAccessKey },
  });
  const host = input.host ?? url.host;
  const request = { method: "GET", protocol: "wss:", hostname: host, path: "/mqtt", headers: { host }, query: {} };
  const { query } = await signer.presign(request, { expiresIn: 60 });
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${input.address}?${pairs.join("&")}`;
}

const options = {
  protocolVersion: input.protocol,
  clientId: `js-${input.protocol}`,
  reconnectPeriod: 0,
  wsOptions: input.host ? { headers: { host: input.host } } : {},
};
const client = mqtt.connect(await address("test"), options);
client.on("message", (topic, payload, packet) => {
  say({ topic, text: payload.toString(), qos: packet.qos, user: packet.properties?.userProperties });
  if (payload.toString() === "end") client.end();
});
client.on("error", (error) => say({ error: error.message }));
client.on("connect", async (connack) => {
  say({ connected: connack.reasonCode ?? connack.returnCode, subscription: client.options.protocolVersion });
  const granted = await client.subscribeAsync(["room/a", "room/b/+"], { qos: 1 });
  say({ granted: granted.map((one) => one.qos) });
  await client.publishAsync("room/b/c", "hello ✓", { qos: 1, properties: { userProperties: { n: "1" } } });
  say({ ready: true });
});
await new Promise((resolve) => client.on("close", resolve));

const refused = mqtt.connect(await address("wrong"), { ...options, clientId: "refused" });
refused.on("connect", () => say({ connected: "with a wrong secret" }));
await new Promise((resolve) => refused.on("close", resolve)); // MQTT.js tells of a refused handshake no more than this
say({ closed: true });
refused.end(true);
