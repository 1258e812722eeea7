import { post } from "./aws.mjs";
import { tokens } from "./model.mjs";

const { AWS_REGION, TABLE } = process.env;

/** There is no broadcast: each token is a request to @connections for each reader. */
export const handler = async ({ domainName, stage, prompt }) => {
  let readers = await connected();
  const toAll = async (message) => {
    const there = await Promise.all(readers.map((id) => send(domainName, stage, id, message)));
    readers = readers.filter((_, n) => there[n]);
  };
  for await (const token of tokens(prompt)) await toAll({ token });
  await toAll({ done: true });
};

async function connected() {
  const headers = { "x-amz-target": "DynamoDB_20120810.Scan", "content-type": "application/x-amz-json-1.0" };
  const body = JSON.stringify({ TableName: TABLE, ConsistentRead: true });
  const answer = await post("dynamodb", `dynamodb.${AWS_REGION}.amazonaws.com`, "/", body, headers);
  if (answer.status !== 200) throw new Error(`DynamoDB answered ${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text).Items.map(({ id }) => id.S);
}

async function send(domainName, stage, id, message) {
  const path = `/${stage}/@connections/${encodeURIComponent(id)}`;
  const answer = await post("execute-api", domainName, path, JSON.stringify(message));
  if (answer.status !== 200 && answer.status !== 410) throw new Error(`@connections answered ${answer.status}`);
  return answer.status === 200;
}
