import { publish } from "./events.mjs";
import { tokens } from "./model.mjs";

const MOST = 5; // events of one publish

/** Called by the namespace `prompts` for what readers publish there: answers in the channel `answers/<room>`. */
export const handler = async ({ info, events }) => {
  const room = info.channel.segments.at(-1);
  for (const { payload } of events) await answer(`/answers/${room}`, payload);
  return { events }; // for who waits: the prompts are broadcast as they are
};

/** Says what the model says. Tokens that came while a publish was under way go out together, five at a time. */
async function answer(channel, { prompt, sources }) {
  if (sources) {
    // What not to do: everything in one event, with the documents that the model had read.
    let text = "";
    for await (const token of tokens(prompt)) text += token;
    return publish(channel, [{ text, sources: "x".repeat(250_000) }]);
  }
  let waiting = [];
  let index = 0;
  let sending = null;
  const send = async () => {
    while (waiting.length) {
      const batch = waiting.splice(0, MOST);
      await publish(channel, batch);
    }
  };
  for await (const token of tokens(prompt)) {
    waiting.push({ index: index++, text: token });
    sending ??= send().finally(() => (sending = null));
  }
  await sending;
  waiting.push({ index, text: "", done: true });
  await send();
}
