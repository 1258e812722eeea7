// fetch, as a browser has it: status, headers, then each piece of the body as it comes.
import { input, say } from "./say.mjs";

const answer = await fetch(input.url, { method: "POST", headers: input.headers, body: JSON.stringify(input.json) });
say({ status: answer.status, type: answer.headers.get("content-type") });
try {
  for await (const piece of answer.body) say({ piece: Buffer.from(piece).toString() });
  say({ end: "whole" });
} catch (error) {
  say({ end: "broken", error: error.message, cause: error.cause?.code });
}
