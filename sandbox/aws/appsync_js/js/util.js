// The module @aws-appsync/utils, by the AppSync developer guide (built-in utilities, time, string, math, HTTP, list
// and map helpers, runtime, extensions). What needs time, chance or the outside is asked of the sandbox: __host.
"use strict";
(function (lib) {
  // Time is that of the run; what else the sandbox must answer is asked by ending the run, which then begins anew with
  // the answer: a handler does nothing to the outside, so that it comes to the same question again.
  const host = (name, ...args) => {
    const run = lib.run;
    if (run.asked >= run.answers.length) throw new Ending("ask", [name, args]);
    const answer = run.answers[run.asked];
    run.asked += 1;
    if (answer.error !== undefined) lib.fail(answer.error);
    return answer.value;
  };
  const DateOf = Date;
  const iso = (millis) => new DateOf(millis).toISOString();
  const parsedIso = (text) => {
    const millis = DateOf.parse(text);
    return Number.isNaN(millis) ? lib.fail(`${text} is not an ISO 8601 date and time`) : millis;
  };

  // How a handler ends early: thrown past the user's code, which cannot catch anything.
  class Ending {
    constructor(kind, value) {
      this.kind = kind;
      this.value = value;
    }
  }

  const reported = (message, errorType, data, errorInfo) => ({
    message: message === undefined ? null : String(message), type: errorType ?? null, data: data ?? null,
    info: errorInfo ?? null,
  });

  lib.Ending = Ending;
  lib.fail = (message) => { throw new Error(message); };
  lib.missing = (what) => { throw new Ending("missing", what); };

  function isEmptyText(text) {
    return text === null || text === undefined || text === "";
  }

  const Pattern = RegExp; // the code's own global is taken away

  function matches(pattern, text) {
    return new Pattern(`^(?:${pattern})$`).test(text);
  }

  function typeOf(value) {
    if (value === null || value === undefined) return "Null";
    if (Array.isArray(value)) return "List";
    return { string: "String", number: "Number", boolean: "Boolean", object: "Map" }[typeof value] ?? "Object";
  }

  // Headers that AppSync does not take from a resolver's request (HTTP helpers in util.http).
  const KEPT_BACK = ["transfer-encoding", "connection", "host", "expect", "keep-alive", "upgrade",
    "proxy-authenticate", "proxy-authorization", "te", "content-length"];

  function copyHeaders(headers) {
    return Object.fromEntries(Object.entries(headers ?? {})
      .filter(([name]) => !KEPT_BACK.includes(name.toLowerCase())));
  }

  const util = {
    error: (message, errorType, data, errorInfo) => {
      throw new Ending("error", reported(message, errorType, data, errorInfo));
    },
    appendError: (message, errorType, data, errorInfo) => {
      lib.run.appended.push(reported(message, errorType, data, errorInfo));
    },
    unauthorized: () => {
      throw new Ending("error", reported("Unauthorized", "Unauthorized"));
    },
    validate: (condition, message, errorType, data) => {
      if (!condition) util.error(message, errorType ?? "CustomTemplateException", data);
    },
    isNull: (value) => value === null || value === undefined,
    isNullOrEmpty: isEmptyText,
    isNullOrBlank: (text) => isEmptyText(text) || String(text).trim() === "",
    defaultIfNull: (value, other) => (value === null || value === undefined ? other : value),
    defaultIfNullOrEmpty: (text, other) => (isEmptyText(text) ? other : text),
    defaultIfNullOrBlank: (text, other) => (util.isNullOrBlank(text) ? other : text),
    isString: (value) => typeof value === "string",
    isNumber: (value) => typeof value === "number",
    isBoolean: (value) => typeof value === "boolean",
    isList: (value) => Array.isArray(value),
    isMap: (value) => typeOf(value) === "Map",
    typeOf,
    matches,
    authType: () => lib.run.authType,
    urlEncode: (text) => encodeURIComponent(text).replaceAll("%20", "+"),
    urlDecode: (text) => decodeURIComponent(String(text).replaceAll("+", " ")),
    base64Encode: (value) => host("base64Encode", value),
    base64Decode: (text) => host("base64Decode", text),
    parseJson: (text) => JSON.parse(text),
    toJson: (value) => JSON.stringify(value),
    escapeJavaScript: (text) => JSON.stringify(String(text)).slice(1, -1),
    autoId: () => host("autoId"),
    autoUlid: () => host("autoUlid"),
    autoKsuid: () => host("autoKsuid"),
    dynamodb: lib.dynamodb,
    transform: lib.transform,
    str: {
      toLower: (text) => text.toLowerCase(),
      toUpper: (text) => text.toUpperCase(),
      toReplace: (text, from, to) => text.replaceAll(from, to),
      normalize: (text, form) => text.normalize(String(form).toUpperCase()),
    },
    math: {
      roundNum: (number) => Math.round(number),
      minVal: (a, b) => Math.min(a, b),
      maxVal: (a, b) => Math.max(a, b),
      randomDouble: () => host("randomDouble"),
      randomWithinRange: (from, to) => from + Math.floor(host("randomDouble") * (to - from)),
    },
    list: {
      copyAndRetainAll: (list, kept) => list.filter((item) => kept.includes(item)),
      copyAndRemoveAll: (list, gone) => list.filter((item) => !gone.includes(item)),
    },
    map: {
      copyAndRetainAllKeys: (map, keys) =>
        Object.fromEntries(Object.entries(map).filter(([key]) => keys.includes(key))),
      copyAndRemoveAllKeys: (map, keys) =>
        Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key))),
    },
    http: {
      copyHeaders,
      addResponseHeader: (name, value) => {
        lib.run.responseHeaders[name] = value;
      },
      addResponseHeaders: (headers) => {
        Object.assign(lib.run.responseHeaders, headers);
      },
    },
    xml: {
      toMap: (text) => host("xmlToMap", text),
      toJsonString: (text) => JSON.stringify(host("xmlToMap", text)),
    },
    rds: { toJsonString: () => lib.missing("util.rds"), toJsonObject: () => lib.missing("util.rds") },
  };
  util.time = {
    nowISO8601: () => iso(lib.run.now),
    nowEpochSeconds: () => Math.floor(lib.run.now / 1000),
    nowEpochMilliSeconds: () => lib.run.now,
    nowFormatted: (form, zone) => host("format", lib.run.now, form, zone ?? "UTC"),
    parseFormattedToEpochMilliSeconds: (text, form, zone) => host("parse", text, form, zone ?? null),
    parseISO8601ToEpochMilliSeconds: parsedIso,
    epochMilliSecondsToSeconds: (millis) => Math.floor(millis / 1000),
    epochMilliSecondsToISO8601: iso,
    epochMilliSecondsToFormatted: (millis, form, zone) => host("format", millis, form, zone ?? "UTC"),
  };

  const extensions = {
    setSubscriptionFilter: (filter) => { lib.run.extensions.push(["setSubscriptionFilter", filter]); },
    setSubscriptionInvalidationFilter: (filter) => {
      lib.run.extensions.push(["setSubscriptionInvalidationFilter", filter]);
    },
    invalidateSubscriptions: (given) => { lib.run.extensions.push(["invalidateSubscriptions", given]); },
    evictFromApiCache: (typeName, fieldName, keys) => {
      lib.run.extensions.push(["evictFromApiCache", { typeName, fieldName, keys }]);
    },
  };
  extensions.subscriptions = extensions;

  const runtime = {
    earlyReturn: (value, options) => {
      throw new Ending("early", { value: value ?? null, skipTo: options?.skipTo ?? null });
    },
  };

  lib.modules["@aws-appsync/utils"] = { util, extensions, runtime };
  const noRds = (name) => () => lib.missing(`${name} of @aws-appsync/utils/rds`);
  lib.modules["@aws-appsync/utils/rds"] = Object.fromEntries(
    ["select", "insert", "update", "remove", "createMySQLStatement", "createPgStatement", "toJsonObject", "sql"]
      .map((name) => [name, noRds(name)]).concat([["typeHint", {}]]));

  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value) ?? String(value));
  const logged = (level) => (...values) => { lib.run.logs.push([level, values.map(shown).join(" ")]); };
  lib.console = {
    log: logged("INFO"), info: logged("INFO"), debug: logged("DEBUG"), warn: logged("WARN"), error: logged("ERROR"),
  };
})(__lib);
