import { tokens } from "./model.mjs";

/** Collects the whole answer: a buffered REST API takes nothing else. */
export const handler = async (event) => {
  const { prompt } = JSON.parse(event.body);
  let answer = "";
  for await (const token of tokens(prompt)) answer += token;
  return {
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ answer }),
  };
};
