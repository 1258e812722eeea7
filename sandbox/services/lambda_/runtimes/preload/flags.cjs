"use strict";
// Flags of V8's that are set when something first wants them. The code cache that Node.js brings for its own modules
// counts only under the flags that it was made with: with one more on the command line every start compiles them anew,
// which is half of a cold start. Hence both flags are on for a moment only.
const { setFlagsFromString } = require("node:v8");

// Lambda starts Node.js with --expose-gc. The flag is for contexts that are made while it is on.
onFirstUse("gc", () => {
  const { runInNewContext } = require("node:vm");
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  return gc;
});

// The parser of HTTP answers inside `fetch` is WebAssembly. To optimize it costs more than a short life gets back; what
// really works hard is optimized still, a little later.
const { WebAssembly } = globalThis;
const BUDGET = Number(process.versions.node.split(".")[0]) < 22 ? 1_800_000 : 13_000_000; // as V8 has it
onFirstUse("WebAssembly", () => {
  setFlagsFromString("--wasm-tiering-budget=100000000");
  setImmediate(() => setFlagsFromString(`--wasm-tiering-budget=${BUDGET}`)); // modules made meanwhile keep theirs
  return WebAssembly;
});

function onFirstUse(name, make) {
  const set = (value) =>
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: false, writable: true });
  const get = () => {
    set(make());
    return globalThis[name];
  };
  Object.defineProperty(globalThis, name, { get, set, configurable: true, enumerable: false });
}
