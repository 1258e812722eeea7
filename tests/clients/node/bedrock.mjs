// Bedrock's runtime, over HTTP/2 with prior knowledge: ConverseStream, what it refuses, and the stream both ways.
import { clients, input, say, sayError } from "./say.mjs";

const {
  BedrockRuntimeClient,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelWithBidirectionalStreamCommand,
  InvokeModelWithResponseStreamCommand,
} = clients("@aws-sdk/client-bedrock-runtime");
const client = new BedrockRuntimeClient({ maxAttempts: 1 });
const { modelId } = input;
const messages = [{ role: "user", content: [{ text: "Hello" }] }];

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    sayError(error);
  }
}

await attempt(async () => {
  const answer = await client.send(new ConverseStreamCommand({ modelId, messages, ...input.more }));
  for await (const event of answer.stream) say(event);
});
if (input.invoke) {
  await attempt(async () => {
    const body = JSON.stringify(input.invoke);
    const answer = await client.send(new InvokeModelWithResponseStreamCommand({ modelId, body }));
    for await (const event of answer.body) say(JSON.parse(Buffer.from(event.chunk.bytes).toString()));
  });
}
if (input.count) {
  await attempt(async () => say(await client.send(new CountTokensCommand({ modelId, input: { converse: { messages } } }))));
}
if (input.bidirectional) {
  async function* parts() {
    for (;;) {
      yield { chunk: { bytes: Buffer.from("{}") } };
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  await attempt(() => client.send(new InvokeModelWithBidirectionalStreamCommand({ modelId, body: parts() })));
}
process.exit(0);
