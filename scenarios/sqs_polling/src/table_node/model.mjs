// The model, over the OpenAI Chat Completions protocol, token by token.

const BASE_URL = process.env.OPENAI_BASE_URL ?? "https://api.openai.com/v1";
const API_KEY = process.env.OPENAI_API_KEY ?? "";
const MODEL = process.env.OPENAI_MODEL ?? "gpt-4o-mini";

/** Yields the pieces of the answer to a prompt as the model makes them. */
export async function* tokens(prompt) {
  const response = await fetch(`${BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ model: MODEL, stream: true, messages: [{ role: "user", content: prompt }] }),
  });
  if (!response.ok) throw new Error(`the model answered ${response.status}: ${await response.text()}`);
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const token = JSON.parse(data).choices[0]?.delta?.content;
    if (token) yield token;
  }
  throw new Error("the model's stream ended before [DONE]");
}

/** Yields the data of server-sent events, each as soon as it is whole. */
async function* events(body) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      if (part.startsWith("data: ")) yield part.slice("data: ".length);
    }
  }
}
