// Amplify's events: subscribes, publishes by HTTP and over the WebSocket, and says what came.
import { clients, input, say } from "./say.mjs";

const { Amplify } = clients("aws-amplify");
const { events } = clients("aws-amplify/data");
Amplify.configure({
  API: { Events: { endpoint: input.api, region: "us-east-1", defaultAuthMode: "apiKey", apiKey: input.key } },
});

const channel = await events.connect("/chat/*");
const came = [];
const enough = new Promise((resolve, reject) => {
  const subscription = channel.subscribe({
    next: ({ event }) => {
      came.push(event);
      if (came.length === input.wanted) resolve(subscription);
    },
    error: reject,
  });
  if (subscription.ready) subscription.ready.catch(reject);
});
await new Promise((resolve) => setTimeout(resolve, 500)); // Amplify does not say when a subscription stands
const answer = await events.post("/chat/a", [{ n: 1 }, "two"]);
say({ failed: answer?.failed?.length ?? 0 });
const speaker = await events.connect("/chat/b");
await speaker.publish({ n: 3 });
const subscription = await enough;
say({ came });
subscription.unsubscribe();
try {
  await events.post("/chat/a", "x", { apiKey: "da2-wrong", authMode: "apiKey" });
} catch (error) {
  say({ refused: error.message ?? String(error), errors: error.errors });
}
channel.close();
speaker.close();
events.closeAll();
process.exit(0); // Amplify keeps timers
