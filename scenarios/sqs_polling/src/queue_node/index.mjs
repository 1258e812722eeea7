import { post } from "./aws.mjs";
import { tokens } from "./model.mjs";

const { AWS_REGION, JOBS, ANSWERS } = process.env;

/** POST queues a job; GET takes a message from the queue of answers and hopes that it is the right one. */
export const handler = async (event) => {
  if (event.httpMethod === "POST") {
    const job = event.requestContext.requestId;
    await queue("SendMessage", JOBS, { MessageBody: JSON.stringify({ job, ...JSON.parse(event.body) }) });
    return answer(202, { job });
  }
  const { Messages: [message] = [] } = await queue("ReceiveMessage", ANSWERS, {});
  const found = message ? JSON.parse(message.Body) : {};
  // Somebody else's: it stays hidden from its owner, too, until its visibility timeout ends.
  if (found.job !== event.pathParameters.job) return answer(200, { text: "", done: false });
  await queue("DeleteMessage", ANSWERS, { ReceiptHandle: message.ReceiptHandle });
  return answer(200, { text: found.text, done: true });
};

/** Works on jobs, and queues their whole answers. */
export const worker = async ({ Records }) => {
  for (const { body } of Records) {
    const { job, prompt } = JSON.parse(body);
    let text = "";
    for await (const token of tokens(prompt)) text += token;
    await queue("SendMessage", ANSWERS, { MessageBody: JSON.stringify({ job, text }) });
  }
};

async function queue(operation, url, request) {
  const headers = { "x-amz-target": `AmazonSQS.${operation}`, "content-type": "application/x-amz-json-1.0" };
  const body = JSON.stringify({ QueueUrl: url, ...request });
  const answer = await post("sqs", `sqs.${AWS_REGION}.amazonaws.com`, "/", body, headers);
  if (answer.status !== 200) throw new Error(`SQS answered ${answer.status}: ${answer.text}`);
  return answer.text ? JSON.parse(answer.text) : {};
}

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
