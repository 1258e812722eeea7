import { post } from "./aws.mjs";
import { tokens } from "./model.mjs";

const { AWS_REGION, AWS_LAMBDA_FUNCTION_NAME, TABLE } = process.env;

/** Keeps who is connected; a message makes an asynchronous invocation of itself tell the answer to all. */
export const handler = async (event) => {
  if (!event.requestContext) return broadcast(event);
  const { connectionId, domainName, stage, routeKey } = event.requestContext;
  if (routeKey === "$connect") await table("PutItem", { Item: { id: { S: connectionId } } });
  else if (routeKey === "$disconnect") await table("DeleteItem", { Key: { id: { S: connectionId } } });
  else await invokeMyself({ domainName, stage, prompt: JSON.parse(event.body).prompt });
  return { statusCode: 200 };
};

/** There is no broadcast: each token is a request to @connections for each reader. */
async function broadcast({ domainName, stage, prompt }) {
  let readers = (await table("Scan", { ConsistentRead: true })).Items.map(({ id }) => id.S);
  const toAll = async (message) => {
    const there = await Promise.all(readers.map((id) => send(domainName, stage, id, message)));
    readers = readers.filter((_, n) => there[n]);
  };
  for await (const token of tokens(prompt)) await toAll({ token });
  await toAll({ done: true });
}

async function send(domainName, stage, id, message) {
  const path = `/${stage}/@connections/${encodeURIComponent(id)}`;
  const answer = await post("execute-api", domainName, path, JSON.stringify(message));
  if (answer.status !== 200 && answer.status !== 410) throw new Error(`@connections answered ${answer.status}`);
  return answer.status === 200;
}

async function table(operation, request) {
  const headers = { "x-amz-target": `DynamoDB_20120810.${operation}`, "content-type": "application/x-amz-json-1.0" };
  const body = JSON.stringify({ TableName: TABLE, ...request });
  const answer = await post("dynamodb", `dynamodb.${AWS_REGION}.amazonaws.com`, "/", body, headers);
  if (answer.status !== 200) throw new Error(`DynamoDB answered ${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text);
}

async function invokeMyself(job) {
  const path = `/2015-03-31/functions/${AWS_LAMBDA_FUNCTION_NAME}/invocations`;
  const host = `lambda.${AWS_REGION}.amazonaws.com`;
  const answer = await post("lambda", host, path, JSON.stringify(job), { "x-amz-invocation-type": "Event" });
  if (answer.status !== 202) throw new Error(`Lambda answered ${answer.status}: ${answer.text}`);
}
