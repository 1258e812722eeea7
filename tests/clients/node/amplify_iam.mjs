// Amplify with IAM credentials: what it signs must be what is verified, on the WebSocket and by HTTP.
// In a process of its own: Amplify has one WebSocket for GraphQL, and keeps it.
import { subscribed } from "./amplify_ways.mjs";
import { clients, input, say } from "./say.mjs";

const { Amplify } = clients("aws-amplify");
const { events } = clients("aws-amplify/data");
const { generateClient } = clients("aws-amplify/api");
const common = { region: "us-east-1", defaultAuthMode: "iam" };
Amplify.configure(
  {
    API: { Events: { endpoint: input.events, ...common }, GraphQL: { endpoint: input.graphql, ...common } },
  },
  {
    Auth: {
      credentialsProvider: {
        getCredentialsAndIdentityId: async () => ({ credentials: input.credentials }),
        clearCredentialsAndIdentityId: () => {},
      },
    },
  },
);

const channel = await events.connect("/chat/a");
const first = await subscribed((observer) => channel.subscribe(observer));
await events.post("/chat/a", { text: "<b> & ü" });
const { items, subscription } = await first.came;
say({ event: items[0].event });
subscription.unsubscribe();
const second = await subscribed((observer) => channel.subscribe(observer));
await channel.publish({ text: "over the WebSocket" });
say({ event: (await second.came).items[0].event });

const client = generateClient();
const listen = client.graphql({ query: 'subscription { onSay(room: "a") { text } }' });
const said = await subscribed((observer) => listen.subscribe(observer));
await client.graphql({ query: 'mutation { say(room: "a", text: "ü") { room text } }' });
say({ said: (await said.came).items[0].data.onSay });
process.exit(0); // Amplify keeps timers
