// What the programs with Amplify share.
import { clients } from "./say.mjs";

const { Hub } = clients("aws-amplify/utils");

/** Resolves when so many subscriptions, begun after this call, stand: what is published from then on comes. */
export const standing = (count = 1) =>
  new Promise((resolve) => {
    const stop = Hub.listen("api", ({ payload }) => {
      if (payload.event !== "Subscription ack" || --count > 0) return;
      stop();
      resolve();
    });
  });

/** Subscribes, waits until that stands, and gives `came`: a promise of so many items. */
export const subscribed = async (subscribe, wanted = 1) => {
  const stands = standing();
  const items = [];
  const came = new Promise((resolve, reject) => {
    const subscription = subscribe({
      next: (item) => items.push(item) === wanted && resolve({ items, subscription }),
      error: reject,
    });
  });
  await Promise.race([stands, came]); // the other ends it when it is refused
  return { came };
};
