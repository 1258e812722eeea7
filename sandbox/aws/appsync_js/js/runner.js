// Runs a handler once. A module's top level runs anew each time, so that nothing of a request stays for the next.
"use strict";
(function () {
  const lib = __lib;
  const factories = {};
  const parse = JSON.parse;
  const text = JSON.stringify;

  const frozen = (value, seen = new Set()) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    for (const name of Object.getOwnPropertyNames(value)) {
      const member = Object.getOwnPropertyDescriptor(value, name);
      if ("value" in member) frozen(member.value, seen);
    }
    Object.freeze(value);
  };
  const builtIns = [Object, Array, String, Number, Boolean, Math, JSON, Function, Map, Set, RegExp, Error, TypeError,
    RangeError, SyntaxError, ReferenceError, Symbol];
  for (const its of builtIns) frozen(its);
  frozen(lib.modules);
  frozen(lib.console);

  function shownContext(context) {
    context.args = context.arguments;
    context.stash = context.stash ?? {};
    context.outErrors = context.outErrors ?? [];
    return context;
  }

  function ended(error) {
    if (error instanceof lib.Ending) {
      return error.kind === "early" ? { early: true, result: error.value.value, skipTo: error.value.skipTo }
        : { [error.kind]: error.value };
    }
    return { thrown: { name: String(error?.name ?? "Error"), message: String(error?.message ?? error),
      stack: String(error?.stack ?? "") } };
  }

  globalThis.__define = (key, factory) => {
    factories[key] = factory;
  };
  globalThis.__run = (key, name, contextText, settings) => {
    const { authType, now, answers } = parse(settings);
    const run = { appended: [], extensions: [], logs: [], responseHeaders: {}, authType, now, answers, asked: 0 };
    lib.run = run;
    const context = shownContext(parse(contextText));
    let outcome;
    try {
      const exported = factories[key](lib.modules, lib.console);
      const [first, second] = name.split(".");
      const handler = second === undefined ? exported[first] : exported[first]?.[second];
      outcome = { result: handler(context) ?? null };
    } catch (error) {
      outcome = ended(error);
    }
    lib.run = null;
    const { appended, extensions, logs, responseHeaders } = run;
    return text({ ...outcome, stash: context.stash, appended, extensions, logs, responseHeaders });
  };
})();
