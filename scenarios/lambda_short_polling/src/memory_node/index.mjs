import { setTimeout as sleep } from "node:timers/promises";

import { tokens } from "./model.mjs";

const jobs = new Map(); // as long as this execution environment lives, and no other one sees it

/** POST starts a job and answers at once; GET tells what there is of its answer so far. */
export const handler = async (event) => {
  if (event.httpMethod === "POST") {
    const job = event.requestContext.requestId;
    jobs.set(job, { text: "", done: false });
    work(job, JSON.parse(event.body).prompt); // not awaited: Lambda freezes it with the response
    await sleep(50); // or else not even the model's request would leave
    return answer(202, { job });
  }
  const job = jobs.get(event.pathParameters.job);
  if (!job) return answer(404, { message: "no such job" });
  await sleep(50); // only while a request runs does the work go on
  const seen = Number(event.queryStringParameters?.seen ?? 0);
  return answer(200, { text: job.text.slice(seen), done: job.done });
};

async function work(job, prompt) {
  for await (const token of tokens(prompt)) jobs.get(job).text += token;
  jobs.get(job).done = true;
  console.log("the job is done");
}

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
