// Starts the runtime interface client of Node.js up to 22, which wants to be told what to run.
// Argument: the path of the client's module.
import { pathToFileURL } from "node:url";

const { run } = await import(pathToFileURL(process.argv[2]).href);
await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
