import { tokens } from "./model.mjs";

/** Looks like streaming and is not: the events are collected, and leave when the handler returns. */
export const handler = async (event) => {
  const { prompt } = JSON.parse(event.body);
  let body = "";
  for await (const token of tokens(prompt)) body += `data: ${JSON.stringify({ token })}\n\n`;
  body += "data: [DONE]\n\n";
  return { statusCode: 200, headers: { "content-type": "text/event-stream" }, body };
};
