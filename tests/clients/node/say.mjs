import { createRequire } from "node:module";

/** The installed clients: `clients("@aws-sdk/client-lambda")`. */
export const clients = createRequire(process.env.CLIENTS);

/** What the test gave. */
export const input = JSON.parse(process.env.INPUT);

/** Tells the test: a JSON value on a line of its own. */
export const say = (value) => console.log(JSON.stringify(value));

/** Tells of an error as the SDK throws it. */
export const sayError = (error) =>
  say({ error: error.name, message: error.message, status: error.$metadata?.httpStatusCode, reason: error.Reason });
