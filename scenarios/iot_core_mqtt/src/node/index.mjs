import { IoTDataPlaneClient, PublishCommand } from "@aws-sdk/client-iot-data-plane";
import { tokens } from "./model.mjs";

const iot = new IoTDataPlaneClient({});

/**
 * The topic rule hands over what a client published to <place>/<name>/ask-node: {prompt, place, name, qos, batch}.
 * One publish for each token (or for `batch` of them), then one that says it is the last. Whoever subscribed to
 * <place>/<name>/answer reads.
 */
export const handler = async ({ prompt, place, name, qos = 0, batch = 1 }) => {
  const publish = (message) =>
    iot.send(new PublishCommand({ topic: `${place}/${name}/answer`, qos, payload: Buffer.from(JSON.stringify(message)) }));
  let waiting = [];
  for await (const token of tokens(prompt)) {
    waiting.push(token);
    if (waiting.length < batch) continue;
    await publish({ token: waiting.join("") });
    waiting = [];
  }
  if (waiting.length) await publish({ token: waiting.join("") });
  await publish({ done: true });
};
