import { setTimeout as sleep } from "node:timers/promises";

import { tokens } from "./model.mjs";

const PATIENCE_MS = Number(process.env.PATIENCE_MS); // how long a request waits for news
const LOOK_MS = 100;
const jobs = new Map(); // as long as this execution environment lives, and no other one sees it

/** POST starts a job and answers at once; GET waits until there is something new of its answer. */
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
  const { seen = 0, whole } = event.queryStringParameters ?? {};
  const news = () => job.done || (!whole && job.text.length > seen);
  for (let waited = 0; !news() && waited < PATIENCE_MS; waited += LOOK_MS) await sleep(LOOK_MS);
  return answer(200, { text: whole && !job.done ? "" : job.text.slice(seen), done: job.done });
};

async function work(job, prompt) {
  for await (const token of tokens(prompt)) jobs.get(job).text += token;
  jobs.get(job).done = true;
}

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
