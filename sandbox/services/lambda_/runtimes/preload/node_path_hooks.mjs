// What node_path.cjs does, for versions of Node.js that want their hooks in a thread of their own.
import { parents } from "./node_path_parents.cjs";

export async function resolve(specifier, context, nextResolve) {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    for (const parentURL of parents(specifier, error)) return nextResolve(specifier, { ...context, parentURL });
    throw error;
  }
}
