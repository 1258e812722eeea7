// Amplify on an Event API and a GraphQL API with their keys: subscribes, publishes, and says what came.
import { subscribed } from "./amplify_ways.mjs";
import { clients, input, say } from "./say.mjs";

const { Amplify } = clients("aws-amplify");
const { events } = clients("aws-amplify/data");
const { generateClient } = clients("aws-amplify/api");
const SAY = 'mutation Say($text: String!) { say(room: "a", text: $text) { room text } }';

const eventsWithKey = async () => {
  const channel = await events.connect("/chat/*");
  const { came } = await subscribed((observer) => channel.subscribe(observer), 3);
  const answer = await events.post("/chat/a", [{ n: 1 }, "two"]);
  say({ failed: answer?.failed?.length ?? 0 });
  const speaker = await events.connect("/chat/b");
  await speaker.publish({ n: 3 });
  const { items, subscription } = await came;
  say({ came: items.map((item) => item.event) });
  subscription.unsubscribe();
  try {
    await events.post("/chat/a", "x", { apiKey: "da2-wrong", authMode: "apiKey" });
  } catch (error) {
    say({ refused: error.message ?? String(error) });
  }
  channel.close();
  speaker.close();
};

const graphqlWithKey = async () => {
  const client = generateClient();
  const listen = client.graphql({ query: 'subscription { onSay(room: "a") { room text } }' });
  const { came } = await subscribed((observer) => listen.subscribe(observer), 2);
  for (const text of ["one", "two"]) {
    const { data } = await client.graphql({ query: SAY, variables: { text } });
    say({ said: data.say.text });
  }
  const { items, subscription } = await came;
  say({ came: items.map((item) => item.data.onSay) });
  subscription.unsubscribe();
  try {
    await client.graphql({ query: "query { hello }", authMode: "apiKey", apiKey: "da2-wrong" });
  } catch ({ errors }) {
    say({ refused: errors[0].message });
  }
};

const configure = (apiKey) => {
  const common = { region: "us-east-1", defaultAuthMode: "apiKey", apiKey };
  Amplify.configure({
    API: { Events: { endpoint: input.events, ...common }, GraphQL: { endpoint: input.graphql, ...common } },
  });
};

configure(input.eventsKey);
await eventsWithKey();
configure(input.graphqlKey);
await graphqlWithKey();
process.exit(0); // Amplify keeps timers
