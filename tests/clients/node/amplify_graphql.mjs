// Amplify's GraphQL client: subscribes, mutates, and says what came.
import { clients, input, say } from "./say.mjs";

const { Amplify } = clients("aws-amplify");
const { generateClient } = clients("aws-amplify/api");
Amplify.configure({
  API: { GraphQL: { endpoint: input.api, region: "us-east-1", defaultAuthMode: "apiKey", apiKey: input.key } },
});
const client = generateClient();

const came = [];
const enough = new Promise((resolve, reject) => {
  const subscription = client.graphql({ query: 'subscription { onSay(room: "a") { room text } }' }).subscribe({
    next: ({ data }) => {
      came.push(data.onSay);
      if (came.length === input.wanted) resolve(subscription);
    },
    error: reject,
  });
});
await new Promise((resolve) => setTimeout(resolve, 500)); // Amplify does not say when a subscription stands
for (const text of ["one", "two"]) {
  const { data } = await client.graphql({
    query: "mutation Say($text: String!) { say(room: \"a\", text: $text) { room text } }",
    variables: { text },
  });
  say({ said: data.say.text });
}
const subscription = await enough;
say({ came });
subscription.unsubscribe();
try {
  await client.graphql({ query: "query { hello }", authMode: "apiKey", apiKey: "da2-wrong" });
} catch ({ errors }) {
  say({ refused: errors[0].message });
}
process.exit(0); // the WebSocket stays open a while for the next subscription
