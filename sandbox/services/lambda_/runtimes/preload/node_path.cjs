"use strict";
// Lambda's Node.js (18.x and later) looks into the folders of NODE_PATH for ES modules too: that is how functions find
// the AWS SDK of the runtime and the modules of layers. Node.js itself does so for CommonJS only, so this adds it.
const Module = require("node:module");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { parents } = require("./node_path_parents.cjs");

function resolve(specifier, context, nextResolve) {
  try {
    return nextResolve(specifier, context);
  } catch (error) {
    if (!context.conditions.includes("import")) throw error; // `require` has searched NODE_PATH already
    for (const parentURL of parents(specifier, error)) return nextResolve(specifier, { ...context, parentURL });
    throw error;
  }
}

if (Module.registerHooks) Module.registerHooks({ resolve });
else Module.register(pathToFileURL(path.join(__dirname, "node_path_hooks.mjs"))); // Node.js 20
