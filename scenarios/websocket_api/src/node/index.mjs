import { post } from "./aws.mjs";
import { tokens } from "./model.mjs";

/** One message for each token, then one that says it is the last. Stops when nobody is connected any more. */
export const handler = async ({ connectionId, domainName, stage, prompt }) => {
  const send = async (message) => {
    const path = `/${stage}/@connections/${encodeURIComponent(connectionId)}`;
    const answer = await post("execute-api", domainName, path, JSON.stringify(message));
    if (answer.status !== 200 && answer.status !== 410) throw new Error(`@connections answered ${answer.status}`);
    return answer.status === 200;
  };
  for await (const token of tokens(prompt)) {
    if (!(await send({ token }))) return;
  }
  await send({ done: true });
};
