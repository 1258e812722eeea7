// util.transform: filters as DynamoDB expressions and as groups of subscription filters. The forms are those that
// AppSync itself answers (recorded in the snapshots of a public test suite): a filter that it cannot render is null.
"use strict";
(function (lib) {
  const COMPARE = { eq: "=", ne: "<>", lt: "<", le: "<=", gt: ">", ge: ">=" };
  const CALL = { contains: "contains", notContains: "NOT contains", beginsWith: "begins_with" };
  const TYPES = {
    _null: "NULL", string: "S", stringSet: "SS", number: "N", numberSet: "NS", binary: "B", binarySet: "BS",
    boolean: "BOOL", list: "L", map: "M",
  };
  const UNFIT = {}; // thrown inside, never seen outside

  function isMap(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
  }

  function need(condition) {
    if (!condition) throw UNFIT;
  }

  function expression(filter) {
    const names = {};
    const values = {};

    function operator(field, name, operand, path, size) {
      const key = `${path}_${name}`;
      const subject = size ? `size(#${field})` : `#${field}`;
      const put = (suffix, value) => {
        values[key + suffix] = lib.dynamodb.toDynamoDB(value);
        return key + suffix;
      };
      if (COMPARE[name]) return `(${subject} ${COMPARE[name]} ${put("", operand)})`;
      if (CALL[name]) return `(${CALL[name]}(${subject},${put("", operand)}))`;
      if (name === "attributeExists") {
        need(typeof operand === "boolean");
        return operand ? `(attribute_exists(${subject}))` : `(attribute_not_exists(${subject}))`;
      }
      if (name === "attributeType") {
        need(Object.hasOwn(TYPES, operand));
        return `(attribute_type(${subject},${put("", TYPES[operand])}))`;
      }
      if (name === "between") {
        need(Array.isArray(operand) && operand.length >= 2);
        return `(${subject} BETWEEN ${put("_start", operand[0])} AND ${put("_end", operand[1])})`;
      }
      if (name === "in") {
        need(Array.isArray(operand));
        if (!operand.length) return "(null)";
        return `(${subject} IN (${operand.map((value, index) => put(`_${index}`, value)).join(", ")}))`;
      }
      need(name === "size");
      return operators(field, operand, key, true);
    }

    function operators(field, given, path, size) {
      need(isMap(given));
      const parts = Object.entries(given).map(([name, operand]) => operator(field, name, operand, path, size));
      return parts.length > 1 ? `(${parts.join(" AND ")})` : parts.join("");
    }

    function group(members, joiner, path) {
      need(Array.isArray(members));
      const parts = members.map((member, index) => clause(member, `${path}_${index}_`));
      return parts.length > 1 ? `(${parts.join(` ${joiner} `)})` : parts.join("");
    }

    function clause(filter, path) {
      need(isMap(filter));
      const parts = Object.entries(filter).map(([name, given]) => {
        if (name === "and" || name === "or") return group(given, name.toUpperCase(), path + name);
        if (name === "not") {
          return `(NOT ${clause(given, `${path}not_`)})`;
        }
        names[`#${name}`] = name;
        return operators(name, given, path + name, false);
      });
      return parts.join(" AND ");
    }

    try {
      const made = clause(filter, ":");
      return { expression: made, expressionNames: names, expressionValues: values };
    } catch (error) {
      if (error === UNFIT) return null;
      throw error;
    }
  }

  function asText(filter) {
    const made = expression(filter);
    return made && JSON.stringify(made);
  }

  // Groups are alternatives, the filters of one group hold together; so alternatives multiply out.
  function multiplied(groups, alternatives) {
    if (!alternatives.length) return groups;
    return groups.flatMap((group) => alternatives.map((alternative) => [...group, ...alternative]));
  }

  function subscriptionGroups(filter, ignored) {
    let groups = [[]];
    let found = false;
    const take = (alternatives) => {
      found = found || alternatives.length > 0;
      groups = multiplied(groups, alternatives);
    };
    const fields = Object.entries(filter).filter(([name]) => !["and", "or"].includes(name));
    for (const [fieldName, given] of fields) {
      if (ignored.includes(fieldName)) continue;
      take(Object.entries(given ?? {}).map(([operator, value]) => [{ fieldName, operator, value }]));
    }
    for (const member of filter.and ?? []) take(subscriptionGroups(member, ignored));
    if (filter.or) take(filter.or.flatMap((member) => subscriptionGroups(member, ignored)));
    return found ? groups : [];
  }

  function toSubscriptionFilter(filter, ignoredFields, rules) {
    if (!isMap(filter)) return null;
    let groups = subscriptionGroups(filter, ignoredFields ?? []);
    const alternatives = Object.entries(rules ?? {}).flatMap(([fieldName, given]) =>
      Object.entries(given).map(([operator, value]) => [{ fieldName, operator, value }]));
    if (alternatives.length) groups = multiplied(groups.length ? groups : [[]], alternatives);
    return { filterGroup: groups.map((filters) => ({ filters })) };
  }

  lib.expression = expression;
  lib.transform = {
    toDynamoDBFilterExpression: asText,
    toDynamoDBConditionExpression: asText,
    toSubscriptionFilter,
    toElasticsearchQueryDSL: () => lib.missing("util.transform.toElasticsearchQueryDSL"),
  };
})(__lib);
