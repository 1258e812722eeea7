// Bounds of the built-in functions. The engine looks at the time in each turn of a loop and in each call of the code,
// not inside most functions of its own, where no signal arrives either: [].concat(Array(4e9)) would hold the sandbox
// for minutes. So a long array is refused before its loop, and a call pays for its length with turns of a loop here.
// The bounds are the sandbox's own: what AppSync bounds is time and size of what a handler gives.
"use strict";
(function () {
  const MOST = 1e6; // elements
  const MOST_COMPARED = 1e9; // characters of a text times those of what is looked for in it
  const { apply, ownKeys } = Reflect;
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const { isArray, from } = Array;
  const { iterator } = Symbol; // the code has no Symbol

  function pay(turns) {
    for (let left = turns; left > 1; left -= 1);
  }

  function check(count) {
    if (!(count <= MOST)) throw new RangeError(`an array of more than ${MOST} elements`);
    pay(count / 100);
  }

  // A length that a getter or a conversion could change between here and the loop counts as too long.
  function lengthOf(value) {
    if (value === null || value === undefined) return 0;
    const length = getOwnPropertyDescriptor(Object(value), "length");
    if (length === undefined) return value.length === undefined ? 0 : Infinity;
    return typeof length.value === "number" ? length.value : Infinity;
  }

  function replace(owner, name, make) {
    const native = owner[name];
    if (typeof native !== "function") return;
    const made = make(native);
    defineProperty(made, "name", { value: native.name });
    defineProperty(made, "length", { value: native.length });
    defineProperty(owner, name, { value: made, writable: true, enumerable: false, configurable: true });
  }

  const methods = Array.prototype;
  const { map, sort } = methods;

  function flattened(list, depth, into) {
    for (let index = 0; index < list.length; index += 1) {
      if (!(index in list)) continue;
      if (depth >= 1 && isArray(list[index])) flattened(list[index], depth - 1, into);
      else into[into.length] = list[index];
    }
    return into;
  }
  const inOrder = (one, other) => {
    const [left, right] = [String(one), String(other)];
    return left < right ? -1 : Number(left > right);
  };
  const own = {
    __proto__: null,
    concat: (native) => function (...lists) {
      let count = lengthOf(this);
      for (const list of lists) count += isArray(list) ? list.length : 1;
      check(count);
      return apply(native, this, lists);
    },
    flat: () => function (depth = 1) {
      check(lengthOf(this));
      return flattened(this, depth, []);
    },
    flatMap: () => function (...how) {
      check(lengthOf(this));
      return flattened(apply(map, this, how), 1, []);
    },
  };
  for (const name of ["sort", "toSorted"]) {
    own[name] = (native) => function (compare = inOrder) {
      check(lengthOf(this));
      return apply(native, this, [compare]);
    };
  }
  const bounded = (native) => function (...how) {
    check(lengthOf(this));
    return apply(native, this, how);
  };
  for (const name of ownKeys(methods)) {
    if (name !== "constructor") replace(methods, name, own[name] ?? bounded);
  }
  // JSON.stringify asks every array: so that one of 4e9 holes is refused there as well.
  defineProperty(methods, "toJSON", { value: function () { check(lengthOf(this)); return this; } });
  replace(Array, "from", () => function (source, ...how) {
    if (typeof source?.[iterator] !== "function") check(lengthOf(source));
    return apply(from, Array, [source, ...how]);
  });
  replace(JSON, "stringify", (native) => function (value, filter, ...how) {
    if (isArray(filter)) check(filter.length);
    return native(value, filter, ...how);
  });
  replace(String, "raw", (native) => function (texts, ...values) {
    check(lengthOf(texts?.raw));
    return native(texts, ...values);
  });

  const SEARCHES = ["indexOf", "lastIndexOf", "includes", "split", "replace", "replaceAll"];
  for (const name of ownKeys(String.prototype)) {
    if (["constructor", "toString", "valueOf"].includes(name)) continue;
    replace(String.prototype, name, (native) => function (...how) {
      const length = typeof this === "string" ? this.length : 0;
      const sought = SEARCHES.includes(name) && typeof how[0] === "string" ? how[0].length : 1;
      if (length * sought > MOST_COMPARED) throw new RangeError("a search of a long text in a long text");
      pay((length * sought) / 1000);
      return apply(native, this, how);
    });
  }
  // Iterators skip and gather in loops of their own; APPSYNC_JS has none of their functions.
  for (const name of ownKeys(Iterator.prototype)) {
    if (typeof name === "string" && name !== "constructor") delete Iterator.prototype[name];
  }
})();
