import { post } from "./aws.mjs";
import { tokens } from "./model.mjs";

/** Answers a message at once and lets a second, asynchronous invocation of itself push the tokens. */
export const handler = async (event) => {
  if (!event.requestContext) return push(event);
  const { connectionId, domainName, stage, routeKey } = event.requestContext;
  const { prompt } = JSON.parse(event.body);
  const job = { connectionId, domainName, stage, prompt };
  if (routeKey === "ask-inline") await push(job); // what not to do: the integration waits for all of it
  else await invokeMyself(job);
  return { statusCode: 200 };
};

async function invokeMyself(job) {
  const host = `lambda.${process.env.AWS_REGION}.amazonaws.com`;
  const path = `/2015-03-31/functions/${process.env.AWS_LAMBDA_FUNCTION_NAME}/invocations`;
  const answer = await post("lambda", host, path, JSON.stringify(job), { "x-amz-invocation-type": "Event" });
  if (answer.status !== 202) throw new Error(`Lambda answered ${answer.status}: ${answer.text}`);
}

/** One message for each token, then one that says it is the last. Stops when nobody is connected any more. */
async function push({ connectionId, domainName, stage, prompt }) {
  const send = async (message) => {
    const path = `/${stage}/@connections/${encodeURIComponent(connectionId)}`;
    const answer = await post("execute-api", domainName, path, JSON.stringify(message));
    if (answer.status !== 200 && answer.status !== 410) throw new Error(`@connections answered ${answer.status}`);
    return answer.status === 200;
  };
  for await (const token of tokens(prompt)) {
    if (!(await send({ token }))) return;
  }
  await send({ done: true });
}
