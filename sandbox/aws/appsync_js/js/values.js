// util.dynamodb: JavaScript values as DynamoDB's attribute values. A number stays a number in N, as AppSync shows it.
"use strict";
(function (lib) {
  function toDynamoDB(value) {
    if (value === null || value === undefined) return { NULL: null };
    if (typeof value === "string") return { S: value };
    if (typeof value === "number") return { N: value };
    if (typeof value === "boolean") return { BOOL: value };
    if (Array.isArray(value)) return { L: value.map(toDynamoDB) };
    return { M: toMapValues(value) };
  }

  function toMapValues(map) {
    const made = {};
    for (const [name, value] of Object.entries(map ?? {})) {
      if (value !== undefined) made[name] = toDynamoDB(value);
    }
    return made;
  }

  function toS3Object(key, bucket, region, version) {
    const s3 = { key, bucket, region };
    if (version !== undefined) s3.version = version;
    return { S: JSON.stringify({ s3 }) };
  }

  const dynamodb = {
    toDynamoDB,
    toMapValues,
    toString: (value) => ({ S: value }),
    toStringSet: (values) => ({ SS: values }),
    toNumber: (value) => ({ N: value }),
    toNumberSet: (values) => ({ NS: values }),
    toBinary: (value) => ({ B: value }),
    toBinarySet: (values) => ({ BS: values }),
    toBoolean: (value) => ({ BOOL: value }),
    toNull: () => ({ NULL: null }),
    toList: (values) => ({ L: values.map(toDynamoDB) }),
    toMap: (map) => ({ M: toMapValues(map) }),
    toS3Object,
    fromS3ObjectJson: (text) => JSON.parse(text).s3,
  };
  for (const name of Object.keys(dynamodb)) {
    dynamodb[name + "Json"] = (...args) => JSON.stringify(dynamodb[name](...args));
  }
  lib.dynamodb = dynamodb;
})(__lib);
