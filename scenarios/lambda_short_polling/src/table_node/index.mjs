import { post } from "./aws.mjs";
import { tokens } from "./model.mjs";

const { AWS_REGION, AWS_LAMBDA_FUNCTION_NAME, TABLE } = process.env;
const EVERY_MS = 1000; // a write for each token would cost more than the token

/** POST hands the job to an asynchronous invocation; GET tells what the table has of its answer. */
export const handler = async (event) => {
  if (!event.requestContext) return work(event);
  if (event.httpMethod === "POST") {
    const job = event.requestContext.requestId;
    await save(job, "", false);
    await invokeMyself({ job, prompt: JSON.parse(event.body).prompt });
    return answer(202, { job });
  }
  const key = { job: { S: event.pathParameters.job } };
  const { Item: found } = await table("GetItem", { Key: key, ConsistentRead: true });
  if (!found) return answer(404, { message: "no such job" });
  const seen = Number(event.queryStringParameters?.seen ?? 0);
  return answer(200, { text: found.text.S.slice(seen), done: found.done.BOOL });
};

async function work({ job, prompt }) {
  let text = "";
  let saved = Date.now();
  for await (const token of tokens(prompt)) {
    text += token;
    if (Date.now() - saved < EVERY_MS) continue;
    saved = Date.now();
    await save(job, text, false);
  }
  await save(job, text, true);
}

const save = (job, text, done) =>
  table("PutItem", { Item: { job: { S: job }, text: { S: text }, done: { BOOL: done } } });

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

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
