"use strict";
// The runtime interface client brings its HTTP client as a native module, which its installation would compile. This
// stands in for it: the same four functions, in plain JavaScript on one keep-alive connection.
//
// As with the native one, `done` and `error` have sent their request when they return (a first write to a connected
// socket goes to the kernel at once), so `process.exit()` may follow; their answers are not looked at. While `next`
// waits it keeps the process alive, else nothing here does.
const Module = require("node:module");
const net = require("node:net");

const [host, port] = (process.env.AWS_LAMBDA_RUNTIME_API || "").split(":");
const PREFIX = "/2018-06-01/runtime/invocation/";

let socket = null;
let received = Buffer.alloc(0);
let waiting = []; // one entry for each request whose answer has not come, in order
let userAgent = "";

function connect() {
  socket = net.connect({ host, port: Number(port), noDelay: true });
  socket.unref();
  socket.on("data", (data) => {
    received = received.length ? Buffer.concat([received, data]) : data;
    while (waiting.length && takeAnswer());
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    const lost = waiting;
    socket = null;
    received = Buffer.alloc(0);
    waiting = [];
    for (const { reject } of lost) reject(new Error("Failed to get next invocation, error -1"));
  });
}

function takeAnswer() {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const [statusLine, ...lines] = received.toString("utf8", 0, end).split("\r\n");
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const bodyStart = end + 4;
  const bodyEnd = bodyStart + Number(headers["content-length"] || 0);
  if (received.length < bodyEnd) return false;
  const body = received.toString("utf8", bodyStart, bodyEnd);
  received = received.subarray(bodyEnd);
  waiting.shift().resolve({ status: Number(statusLine.split(" ")[1]), headers, body });
  return true;
}

function send(method, path, headers, body) {
  if (!socket) connect();
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}:${port}`];
  if (userAgent) lines.push(`User-Agent: ${userAgent}`);
  const content = Buffer.from(body || "", "utf8");
  if (method === "POST") lines.push("Content-Type: application/json", `Content-Length: ${content.length}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  const head = Buffer.from(lines.join("\r\n") + "\r\n\r\n", "utf8");
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
    socket.write(content.length ? Buffer.concat([head, content]) : head);
  });
}

function post(path, body, headers) {
  send("POST", path, headers, body).catch(() => {});
}

const HEADERS = [
  "lambda-runtime-aws-request-id",
  "lambda-runtime-trace-id",
  "lambda-runtime-invoked-function-arn",
  "lambda-runtime-client-context",
  "lambda-runtime-cognito-identity",
  "lambda-runtime-aws-tenant-id",
];

function needStrings(count, args) {
  if (args.length < count) throw new TypeError(`Wrong number of arguments, expected ${count}`);
  if (Array.prototype.slice.call(args, 0, count).some((a) => typeof a !== "string")) {
    throw new TypeError("Wrong arguments");
  }
}

const client = {
  initializeClient(agent) {
    userAgent = agent || "";
  },

  async next() {
    const answer = send("GET", PREFIX + "next", {});
    socket.ref();
    try {
      const { status, headers, body } = await answer;
      if (status < 200 || status > 299) throw new Error(`Failed to get next invocation, error ${status}`);
      const kept = { "lambda-runtime-deadline-ms": Number(headers["lambda-runtime-deadline-ms"]) };
      for (const name of HEADERS) if (headers[name]) kept[name] = headers[name];
      return { bodyJson: body, headers: kept };
    } finally {
      if (socket) socket.unref();
    }
  },

  done(id, response) {
    needStrings(2, arguments);
    post(`${PREFIX}${id}/response`, response, {});
    return null;
  },

  error(id, response, cause) {
    needStrings(3, arguments);
    // A header is one line of visible characters; a cause that is not is left out.
    const headers = /^[\x20-\x7e]+$/.test(cause) ? { "Lambda-Runtime-Function-XRay-Error-Cause": cause } : {};
    post(`${PREFIX}${id}/error`, response, headers);
    return null;
  },
};

const load = Module._load;
Module._load = function (request, ...rest) {
  return String(request).endsWith("rapid-client.node") ? client : load.call(this, request, ...rest);
};
