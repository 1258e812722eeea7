import { createHash, timingSafeEqual } from "node:crypto";

import { tokens } from "./model.mjs";

/** Streams the answer as server-sent events: one event a token, then [DONE]. */
export const handler = awslambda.streamifyResponse(async (event, responseStream) => {
  if (!authorized(event)) {
    const refusal = open(responseStream, 401, "application/json");
    refusal.write(JSON.stringify({ message: "Unauthorized" }));
    refusal.end();
    return;
  }
  const { prompt } = JSON.parse(bodyOf(event));
  const stream = open(responseStream, 200, "text/event-stream");
  for await (const token of tokens(prompt)) {
    stream.write(`data: ${JSON.stringify({ token })}\n\n`);
  }
  stream.write("data: [DONE]\n\n");
  stream.end();
});

function open(responseStream, statusCode, contentType) {
  const headers = { "content-type": contentType, "cache-control": "no-store" };
  return awslambda.HttpResponseStream.from(responseStream, { statusCode, headers });
}

function bodyOf(event) {
  return event.isBase64Encoded ? Buffer.from(event.body, "base64").toString("utf8") : event.body;
}

// The method itself is open (AuthorizationType NONE), so this check is all that stands between the world and the
// model's bill. A REST API hands on header names in whatever case they came.
function authorized(event) {
  const digest = (text) => createHash("sha256").update(text).digest();
  const [, sent = ""] = Object.entries(event.headers).find(([name]) => name.toLowerCase() === "authorization") ?? [];
  return timingSafeEqual(digest(sent), digest(`Bearer ${process.env.CHAT_TOKEN}`));
}
