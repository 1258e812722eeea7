// The front end of an Amplify Gen 2 backend: a model with owners and a key, and a chat through a function.
import { subscribed } from "./amplify_ways.mjs";
import { clients, input, say } from "./say.mjs";

const { Amplify } = clients("aws-amplify");
const { signIn, signOut } = clients("aws-amplify/auth");
const { generateClient } = clients("aws-amplify/data");

Amplify.configure(input.outputs);
const { Auth, ...others } = Amplify.getConfig();
const here = { userPoolEndpoint: input.cognito, identityPoolEndpoint: input.cognito };
Amplify.configure({ ...others, Auth: { Cognito: { ...Auth.Cognito, ...here } } });
const client = generateClient();
const { Todo } = client.models;
const key = { authMode: "apiKey" };
const own = { authMode: "userPool" };

/** Tells what an operation gave: chosen fields of its items, or the errors' types. */
const tell = (what, { data, errors }) => {
  const shown = (item) => item && { content: item.content, room: item.room };
  say({ [what]: errors ? errors.map((error) => error.errorType) : Array.isArray(data) ? data.map(shown) : shown(data) });
};

const tokens = client.subscriptions.onToken({ room: "a" }, key);
const { came } = await subscribed((observer) => tokens.subscribe(observer), 2);
await client.mutations.say({ room: "b", text: "elsewhere", index: 1 }, key);
await client.mutations.say({ room: "a", text: "one", index: 2 }, key);
const { data } = await client.mutations.ask({ room: "a", text: "two" }, key);
say({ asked: data });
say({ tokens: (await came).items.map(({ text, index }) => [text, index]) });
tell("with the key", await Todo.create({ content: "x" }, key));

const enter = (username) => signIn({ username, password: input.password });
await enter("ann@example.com");
const mine = await subscribed((observer) => Todo.onCreate(own).subscribe(observer));
const made = await Todo.create({ content: "milk", room: "a" }, own);
const id = made.data?.id;
tell("made", made);
say({ owner: made.data?.owner === input.ann });
say({ told: (await mine.came).items[0].content });
tell("changed", await Todo.update({ id, content: "cream" }, own));
await Todo.create({ content: "bread", room: "b" }, own);
tell("filtered", await Todo.list({ ...own, filter: { room: { eq: "a" }, content: { beginsWith: "cr" } } }));
await signOut();

await enter("bob@example.com");
tell("bob reads", await Todo.get({ id }, own));
tell("bob lists", await Todo.list(own));
tell("bob changes", await Todo.update({ id, content: "mine" }, own));
tell("bob deletes", await Todo.delete({ id }, own));
tell("public", await Todo.get({ id }, key));
process.exit(0); // the WebSocket stays open a while
