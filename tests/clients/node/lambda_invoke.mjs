// Invoke: the answer, or the error as the SDK throws it.
import { clients, input, say, sayError } from "./say.mjs";

const { LambdaClient, InvokeCommand } = clients("@aws-sdk/client-lambda");
const client = new LambdaClient({ maxAttempts: 1 });
try {
  const answer = await client.send(
    new InvokeCommand({ FunctionName: input.function, Payload: JSON.stringify(input.event ?? {}) }),
  );
  const payload = Buffer.from(answer.Payload).toString();
  say({ status: answer.StatusCode, error: answer.FunctionError ?? null, payload });
} catch (error) {
  sayError(error);
}
