import { mutate } from "./appsync.mjs";
import { tokens } from "./model.mjs";

const BATCH_MS = Number(process.env.BATCH_MS); // a mutation costs as much for ten tokens as for one
const SAY = `mutation Say($room: ID!, $index: Int!, $text: String!, $done: Boolean, $sources: String) {
  say(room: $room, index: $index, text: $text, done: $done, sources: $sources) { room index text done sources }
}`;

/** Asks the model and says what it says, batch by batch, to everybody in the room. */
export const handler = async ({ room, prompt, whole }) => {
  let index = 0;
  const say = (text, more = {}) => mutate(SAY, { room, index: index++, text, done: false, ...more });
  if (whole) {
    // What not to do: one message with everything, and with the documents that the model had read.
    let text = "";
    for await (const token of tokens(prompt)) text += token;
    await say(text, { done: true, sources: "x".repeat(250_000) });
    return text;
  }
  let all = "";
  for await (const batch of batches(tokens(prompt), BATCH_MS)) {
    all += batch;
    await say(batch);
  }
  await say("", { done: true });
  return all;
};

/** Yields what has come of `pieces` each `ms` milliseconds, as one text. */
async function* batches(pieces, ms) {
  const source = pieces[Symbol.asyncIterator]();
  let next = source.next();
  let text = "";
  let due = null;
  for (;;) {
    const first = await Promise.race([next, ...(due ? [due] : [])]);
    if (first === "due") {
      yield text;
      text = "";
      due = null;
    } else if (first.done) {
      if (text) yield text;
      return;
    } else {
      text += first.value;
      next = source.next();
      due ??= new Promise((resolve) => setTimeout(resolve, ms, "due"));
    }
  }
}
