"use strict";
// Where an ES module that was not found is looked for: as if a file beside a `node_modules` of NODE_PATH imported it.
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const folders = (process.env.NODE_PATH || "")
  .split(path.delimiter)
  .filter((folder) => path.basename(folder) === "node_modules");
const PACKAGE = /^(@[^/]+\/)?[^@./#:\\][^/:\\]*/; // "name" or "@scope/name", nothing with a scheme or a path

/** The first folder that has the package, as the URL of a parent; empty: `error` is Node's last word. */
exports.parents = function parents(specifier, error) {
  const name = error.code === "ERR_MODULE_NOT_FOUND" && PACKAGE.exec(specifier)?.[0];
  if (!name) return [];
  const found = folders.find((folder) => fs.existsSync(path.join(folder, name)));
  return found ? [pathToFileURL(path.join(path.dirname(found), "importer.mjs")).href] : [];
};
