import { IoTDataPlaneClient, PublishCommand } from "@aws-sdk/client-iot-data-plane";
import { tokens } from "./model.mjs";

const iot = new IoTDataPlaneClient({});

/**
 * The topic rule hands over what a client published to <place>/<name>/ask-node: {prompt, place, name, qos}.
 * One publish for each token, then one that says it is the last. Whoever subscribed to <place>/<name>/answer reads.
 */
export const handler = async ({ prompt, place, name, qos = 0 }) => {
  const publish = (message) =>
    iot.send(new PublishCommand({ topic: `${place}/${name}/answer`, qos, payload: Buffer.from(JSON.stringify(message)) }));
  for await (const token of tokens(prompt)) await publish({ token });
  await publish({ done: true });
};
