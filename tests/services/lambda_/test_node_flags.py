"""Flags of V8's in Node.js functions: what they bring is there, and Node.js keeps its code cache."""

from __future__ import annotations

import json

import pytest
from lambda_support import World, zipped
from test_runtime_libraries import NODES, needs

GC = """
exports.handler = async () => {
  const held = [new WeakRef({})];
  await new Promise((resolve) => setTimeout(resolve, 1));
  const { writable, enumerable } = Object.getOwnPropertyDescriptor((gc(), globalThis), "gc");
  return { kind: typeof global.gc, gone: held[0].deref() === undefined, writable, enumerable };
};
"""
# The smallest module with a function: what it gives shows that `WebAssembly` is the real one.
WASM = """
const bytes = "AGFzbQEAAAABBQFgAAF/AwIBAAcHAQNzaXgAAAoGAQQAQQYL";
exports.handler = async () => {
  const { instance } = await WebAssembly.instantiate(Buffer.from(bytes, "base64"));
  globalThis.WebAssembly = "mine";
  return { six: instance.exports.six(), replaced: WebAssembly };
};
"""
CACHE = """
const { internalBinding } = require("internal/test/binding");
const missed = () => [...internalBinding("builtins").getCacheUsage().compiledWithoutCache];
exports.handler = async () => {
  const start = missed();
  gc();
  require("node:repl"); // something that nobody wanted so far
  const collected = missed();
  WebAssembly.validate(new Uint8Array(1));
  await new Promise((resolve) => setImmediate(resolve));
  require("node:test");
  return { start, collected, compiled: missed() };
};
"""


@pytest.mark.parametrize("runtime", NODES)
def test_node_functions_can_collect_garbage(lambda_world, runtime):
    needs(runtime)

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=zipped({"index.js": GC}))
        found = json.loads((await world.invoke()).payload)
        assert found == {"kind": "function", "gone": True, "writable": True, "enumerable": False}

    lambda_world(main)


@pytest.mark.parametrize("runtime", NODES)
def test_node_functions_can_use_and_replace_webassembly(lambda_world, runtime):
    needs(runtime)

    async def main(world: World) -> None:
        world.function(runtime=runtime, code=zipped({"index.js": WASM}))
        assert json.loads((await world.invoke()).payload) == {"six": 6, "replaced": "mine"}

    lambda_world(main)


def test_node_takes_its_own_modules_from_its_code_cache(lambda_world):
    runtime = "nodejs24.x"  # in older versions the memory's limits cost the cache, too
    needs(runtime)
    wrapper = '#!/bin/sh\nnode=$1; shift\nexec "$node" --expose-internals "$@"\n'

    async def main(world: World) -> None:
        layer = zipped({"wrap": wrapper}, executable=("wrap",))
        world.function(
            runtime=runtime,
            code=zipped({"index.js": CACHE}),
            environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"},
            layers=(("arn:aws:lambda:us-east-1:000000000000:layer:l:1", layer),),
        )
        assert json.loads((await world.invoke()).payload) == {"start": [], "collected": [], "compiled": []}

    lambda_world(main)
