// Amplify with IAM credentials: what it signs must be what is verified, on the WebSocket and by HTTP.
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

const first = (subscribe) => new Promise((next, error) => subscribe({ next, error }));
const soon = () => new Promise((resolve) => setTimeout(resolve, 500)); // Amplify does not say when it stands

const channel = await events.connect("/chat/a");
const event = first((observer) => channel.subscribe(observer));
await soon();
await events.post("/chat/a", { text: "<b> & ü" });
say({ event: (await event).event });
const other = first((observer) => channel.subscribe(observer));
await soon();
await channel.publish({ text: "over the WebSocket" });
say({ event: (await other).event });

const client = generateClient();
const said = first((observer) =>
  client.graphql({ query: 'subscription { onSay(room: "a") { text } }' }).subscribe(observer),
);
await soon();
await client.graphql({ query: 'mutation { say(room: "a", text: "ü") { room text } }' });
say({ said: (await said).data.onSay });
process.exit(0); // Amplify keeps timers
