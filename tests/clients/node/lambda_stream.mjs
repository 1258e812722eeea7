// InvokeWithResponseStream: each event as it comes.
import { clients, input, say, sayError } from "./say.mjs";

const { LambdaClient, InvokeWithResponseStreamCommand } = clients("@aws-sdk/client-lambda");
const client = new LambdaClient({ maxAttempts: 1 });
try {
  const answer = await client.send(
    new InvokeWithResponseStreamCommand({ FunctionName: input.function, Payload: JSON.stringify(input.event) }),
  );
  say({ status: answer.StatusCode, version: answer.ExecutedVersion, type: answer.ResponseStreamContentType });
  for await (const event of answer.EventStream) {
    if (event.PayloadChunk) say({ chunk: Buffer.from(event.PayloadChunk.Payload).toString("latin1") });
    if (event.InvokeComplete) say({ complete: event.InvokeComplete });
  }
} catch (error) {
  sayError(error);
}
