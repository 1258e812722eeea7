// The module @aws-appsync/utils/dynamodb: requests for the DynamoDB data source, by the AppSync developer guide
// (Amazon DynamoDB built-in module).
"use strict";
(function (lib) {
  const { toDynamoDB, toMapValues } = lib.dynamodb;

  function made(operation, members) {
    const request = { operation };
    for (const [name, value] of Object.entries(members)) if (value !== undefined) request[name] = value;
    return request;
  }

  function projection(paths) {
    if (!paths) return undefined;
    const expressionNames = {};
    const expression = paths.map((path) => placeholder(path, expressionNames)).join(", ");
    return { expression, expressionNames };
  }

  // "a.b[0]" is #a.#b[0]
  function placeholder(path, names) {
    return path.split(".").map((part) => {
      const name = part.split("[")[0];
      names[`#${name}`] = name;
      return `#${part}`;
    }).join(".");
  }

  function condition(given) {
    if (!given) return undefined;
    const rendered = lib.expression(given);
    if (rendered && !Object.keys(rendered.expressionValues).length) delete rendered.expressionValues;
    return rendered ?? lib.fail(`The condition cannot be rendered: ${JSON.stringify(given)}`);
  }

  function filter(given) {
    return given ? lib.expression(given) ?? lib.fail(`The filter cannot be rendered: ${JSON.stringify(given)}`)
      : undefined;
  }

  const OPERATION = "__operation";
  const operation = (kind, value, extra) => ({ [OPERATION]: kind, value, ...extra });
  const operations = {
    add: (value) => operation("add", value),
    remove: () => operation("remove"),
    replace: (value) => operation("replace", value),
    increment: (by = 1) => operation("increment", by),
    decrement: (by = 1) => operation("decrement", by),
    append: (value) => operation("append", value),
    prepend: (value) => operation("prepend", value),
    updateListItem: (value, index) => operation("updateListItem", value, { index }),
  };

  const RENDER = {
    add: (name, value) => `${name} = ${value}`,
    replace: (name, value) => `${name} = ${value}`,
    increment: (name, value) => `${name} = ${name} + ${value}`,
    decrement: (name, value) => `${name} = ${name} - ${value}`,
    append: (name, value) => `${name} = list_append(${name}, ${value})`,
    prepend: (name, value) => `${name} = list_append(${value}, ${name})`,
    updateListItem: (name, value, given) => `${name}[${given.index}] = ${value}`,
  };

  function holdsOperation(value) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    return Object.values(value).some((inner) => inner?.[OPERATION] || holdsOperation(inner));
  }

  function updateExpression(update) {
    const expressionNames = {};
    const expressionValues = {};
    const set = [];
    const gone = [];
    const visit = (fields, path) => {
      for (const [field, given] of Object.entries(fields)) {
        expressionNames[`#${field}`] = field;
        const name = path ? `${path}.#${field}` : `#${field}`;
        const kind = given?.[OPERATION];
        if (kind === "remove") {
          gone.push(name);
          continue;
        }
        if (!kind && holdsOperation(given)) {
          visit(given, name);
          continue;
        }
        const value = `:${name.replaceAll("#", "").replaceAll(".", "_")}`;
        expressionValues[value] = toDynamoDB(kind ? given.value : given);
        set.push(kind ? RENDER[kind](name, value, given) : `${name} = ${value}`);
      }
    };
    visit(update, "");
    const expression = [set.length && `SET ${set.join(", ")}`, gone.length && `REMOVE ${gone.join(", ")}`];
    return { expression: expression.filter(Boolean).join(" "), expressionNames, expressionValues };
  }

  function keyExpression(query) {
    return lib.expression(query) ?? lib.fail(`The key condition cannot be rendered: ${JSON.stringify(query)}`);
  }

  const tables = (given, entry) => {
    const made = {};
    for (const [name, value] of Object.entries(given.tables)) made[name] = entry(value);
    return made;
  };

  lib.modules["@aws-appsync/utils/dynamodb"] = {
    get: (p) => made("GetItem", {
      key: toMapValues(p.key), consistentRead: p.consistentRead, projection: projection(p.projection),
    }),
    put: (p) => made("PutItem", {
      key: toMapValues(p.key), attributeValues: toMapValues(p.item), condition: condition(p.condition),
      customPartitionKey: p.customPartitionKey, populateIndexFields: p.populateIndexFields, _version: p._version,
    }),
    update: (p) => made("UpdateItem", {
      key: toMapValues(p.key), update: updateExpression(p.update), condition: condition(p.condition),
      customPartitionKey: p.customPartitionKey, populateIndexFields: p.populateIndexFields, _version: p._version,
    }),
    remove: (p) => made("DeleteItem", {
      key: toMapValues(p.key), condition: condition(p.condition), customPartitionKey: p.customPartitionKey,
      populateIndexFields: p.populateIndexFields, _version: p._version,
    }),
    scan: (p) => made("Scan", {
      index: p?.index, limit: p?.limit, nextToken: p?.nextToken, filter: filter(p?.filter),
      consistentRead: p?.consistentRead, totalSegments: p?.totalSegments, segment: p?.segment,
      projection: projection(p?.projection), select: p?.select,
    }),
    query: (p) => made("Query", {
      query: keyExpression(p.query), index: p.index, limit: p.limit, nextToken: p.nextToken,
      filter: filter(p.filter), consistentRead: p.consistentRead, scanIndexForward: p.scanIndexForward,
      select: p.select, projection: projection(p.projection),
    }),
    sync: (p) => made("Sync", {
      basePartitionKey: p.basePartitionKey, deltaIndexName: p.deltaIndexName, limit: p.limit,
      nextToken: p.nextToken, lastSync: p.lastSync, filter: filter(p.filter),
    }),
    batchGet: (p) => made("BatchGetItem", {
      tables: tables(p, (value) => ({
        ...value, keys: value.keys.map(toMapValues), projection: projection(value.projection),
      })),
    }),
    batchPut: (p) => made("BatchPutItem", { tables: tables(p, (items) => items.map(toMapValues)) }),
    batchDelete: (p) => made("BatchDeleteItem", { tables: tables(p, (keys) => keys.map(toMapValues)) }),
    transactGet: (p) => made("TransactGetItems", {
      transactItems: p.items.map((item) => ({
        table: item.table, key: toMapValues(item.key), projection: projection(item.projection),
      })),
    }),
    transactWrite: (p) => made("TransactWriteItems", { transactItems: p.items.map(transactItem) }),
    operations,
  };

  function transactItem(item) {
    const [kind] = ["putItem", "updateItem", "deleteItem", "conditionCheck"].filter((name) => item[name]);
    const given = item[kind] ?? lib.fail("An item of transactWrite must be one of putItem, updateItem, deleteItem, "
      + "conditionCheck");
    const names = {
      putItem: "PutItem", updateItem: "UpdateItem", deleteItem: "DeleteItem", conditionCheck: "ConditionCheck",
    };
    return made(names[kind], {
      table: given.table, key: toMapValues(given.key),
      attributeValues: given.item && toMapValues(given.item),
      update: given.update && updateExpression(given.update), condition: condition(given.condition),
    });
  }
})(__lib);
