"""Running handlers: what a run gives, what it must not keep, what stops it."""

from __future__ import annotations

import pytest

from sandbox.aws.appsync_js import Extension, Runtime
from sandbox.aws.errors import NotEmulatedError

UTILS = "import { util, extensions, runtime } from '@aws-appsync/utils';\n"


def test_a_handler_reads_its_context_and_leaves_a_stash(runtime: Runtime) -> None:
    code = """
export function request(ctx) {
  ctx.stash.seen = ctx.args === ctx.arguments;
  return { payload: ctx.args.name + ctx.identity.sub, prev: ctx.prev.result, env: ctx.env.TABLE };
}
export const response = (ctx) => ctx.result;
"""
    context = {
        "arguments": {"name": "a"},
        "identity": {"sub": "b"},
        "prev": {"result": 1},
        "env": {"TABLE": "t"},
    }
    outcome = runtime.run(code, "request", context)
    assert outcome.result == {"payload": "ab", "prev": 1, "env": "t"}
    assert outcome.stash == {"seen": True}
    assert runtime.run(code, "response", {"result": [1, {"a": None}]}).result == [1, {"a": None}]
    assert runtime.run("export function request() {}", "request", {}).result is None


def test_errors_end_a_handler_and_appended_ones_do_not(runtime: Runtime) -> None:
    code = (
        UTILS
        + """
export function request(ctx) {
  util.appendError('soft', 'Soft', { d: 1 }, { i: 2 });
  if (ctx.args.denied) util.unauthorized();
  util.error('hard', 'Hard', [1], 'info');
  return 'never';
}"""
    )
    outcome = runtime.run(code, "request", {"arguments": {}})
    assert outcome.result is None
    assert outcome.error is not None
    assert outcome.error.document() == {
        "message": "hard",
        "errorType": "Hard",
        "data": [1],
        "errorInfo": "info",
    }
    assert [error.message for error in outcome.appended] == ["soft"]
    denied = runtime.run(code, "request", {"arguments": {"denied": True}}).error
    assert denied is not None
    assert denied.type == "Unauthorized"


def test_an_early_return_gives_its_value(runtime: Runtime) -> None:
    code = UTILS + "export function request() { runtime.earlyReturn({ a: 1 }, { skipTo: 'END' }); }"
    outcome = runtime.run(code, "request", {})
    assert (outcome.early, outcome.result, outcome.skip_to) == (True, {"a": 1}, "END")


def test_extensions_and_logs_are_told_in_order(runtime: Runtime) -> None:
    code = (
        UTILS
        + """
export function request(ctx) {
  console.log('a', { b: 1 }, 2);
  console.error('bad');
  extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ a: { eq: 1 } }));
  extensions.invalidateSubscriptions({ subscriptionField: 'on', payload: { x: 1 } });
  extensions.evictFromApiCache('Query', 'a', { k: 1 });
  util.http.addResponseHeader('x-a', 'b');
  return null;
}"""
    )
    outcome = runtime.run(code, "request", {})
    assert outcome.logs == (("INFO", 'a {"b":1} 2'), ("ERROR", "bad"))
    assert outcome.extensions[0] == Extension(
        "setSubscriptionFilter",
        {"filterGroup": [{"filters": [{"fieldName": "a", "operator": "eq", "value": 1}]}]},
    )
    assert [one.name for one in outcome.extensions[1:]] == ["invalidateSubscriptions", "evictFromApiCache"]
    assert outcome.response_headers == {"x-a": "b"}


def test_nothing_of_a_run_stays_for_the_next(runtime: Runtime) -> None:
    code = """
let count = 0;
const seen = [];
export function request(ctx) { count = count + 1; seen.push(ctx.args.n); return [count, seen]; }
"""
    for n in range(3):
        assert runtime.run(code, "request", {"arguments": {"n": n}}).result == [1, [n]]


@pytest.mark.parametrize(
    "code",
    [
        "Object.prototype.leak = 1",
        "Array.prototype.push = 1",
        "JSON.parse = () => 1",
        "console.log = () => 1",
        "util.autoId = () => 1",
        "util.time.nowISO8601 = () => 1",
    ],
)
def test_what_all_runs_share_cannot_be_changed(runtime: Runtime, code: str) -> None:
    error = runtime.run(f"{UTILS}export function request() {{ {code}; }}", "request", {}).error
    assert error is not None
    assert (error.message or "").startswith(("TypeError", "ReferenceError"))
    clean = "export function request() { return [typeof leak, ({}).leak ?? 0, util.autoId().length]; }"
    assert runtime.run(clean, "request", {}).result == ["undefined", 0, 36]


@pytest.mark.parametrize(
    "name", ["fetch", "setTimeout", "Date", "eval", "Function", "process", "require", "__host"]
)
def test_what_the_runtime_does_not_have(runtime: Runtime, name: str) -> None:
    assert runtime.run(f"export const request = () => typeof {name};", "request", {}).result == "undefined"


def test_an_exception_says_where_it_was(runtime: Runtime) -> None:
    code = UTILS + "// a comment\nexport function request(ctx) {\n  return ctx.nothing.there;\n}"
    error = runtime.run(code, "request", {}).error
    assert error is not None
    assert error.type == "Code"
    assert error.where == (4, 10)
    assert error.message == "TypeError: cannot read property 'there' of undefined (line 4, column 10)"


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("const a = null; const b = a.x;\nexport const request = () => b;", (1, 27)),
        (UTILS + "const a = null;\nconst b = a.x;\nexport const request = () => b;", (3, 11)),
        (UTILS + "const { a } = null;\nexport const request = () => a;", None),
        (UTILS + "export const request = () =>\n  util.matches('(', 'a');", (3, 8)),
        (UTILS + "\nexport const request = () => [].concat(Array(4e9));", (3, 40)),
        ("export const request = 1;", None),
    ],
)
def test_a_place_is_one_of_the_code_or_none(
    runtime: Runtime, code: str, where: tuple[int, int] | None
) -> None:
    error = runtime.run(code, "request", {}).error
    assert error is not None
    assert error.where == where
    assert ("(line" in str(error.message)) == (where is not None)


def test_endless_code_ends(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.aws.appsync_js.runtime.CPU_SECONDS", 0.05)
    code = "export function request() { const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); return f(90); }"
    error = runtime.run(code, "request", {}).error
    assert error is not None
    assert error.message == "InternalError: interrupted"
    assert runtime.run("export const request = () => 1;", "request", {}).result == 1


def test_memory_is_bounded(runtime: Runtime) -> None:
    code = "export function request() { const a = ['x']; for (const x of a) a.push(x.repeat(2)); return a; }"
    error = runtime.run(code, "request", {}).error
    assert error is not None
    assert runtime.run("export const request = () => 1;", "request", {}).result == 1


def test_what_is_not_there_is_named(runtime: Runtime) -> None:
    code = "import { select } from '@aws-appsync/utils/rds';\nexport const request = () => select({ table: 't' });"
    with pytest.raises(NotEmulatedError, match="select of @aws-appsync/utils/rds"):
        runtime.run(code, "request", {})
    with pytest.raises(ValueError, match="does not export 'response'"):
        runtime.run(code, "response", {})


def test_functions_of_an_exported_object(runtime: Runtime) -> None:
    code = "export const onPublish = { request(ctx) { return ctx.events; }, response: (ctx) => ctx.result };"
    assert runtime.run(code, "onPublish.request", {"events": [1]}).result == [1]
    assert runtime.run(code, "onPublish.response", {"result": 2}).result == 2


LONG = [
    "[].concat(Array(4e9))",
    "[].concat(...Array(5000).fill(Array(1e6)))",
    "Array(1e8)",
    "Array(4e9).join()",
    "Array(4e9).sort()",
    "Array(4e9).includes(1)",
    "Array(4e9).fill(0)",
    "[...Array(4e9)]",
    "Array.from({ length: 4e9 })",
    "Array.prototype.slice.call({ length: 4e9 })",
    "Array.prototype.slice.call({ get length() { return 4e9; } })",
    "[].flat.call({ length: 4e9 })",
    "Array(1000).fill(Array(1e6)).flat(2)",
    "Array(1000).fill(0).flatMap(() => Array(1e6))",
    "new Set(Array(4e9)).size",
    "((a) => { a.length = 4e9; return a.indexOf(1); })([])",
    "((a) => { a[4294967294] = 1; return a; })([])",
    "JSON.stringify({}, Array(4e9))",
    "String.raw({ raw: { length: 4e9 } })",
    "'x'.repeat(2e5).indexOf('x'.repeat(1e5) + 'y')",
    "'x'.repeat(1e9)",
    "'x'.padEnd(1e9)",
    "'a'.repeat(40).match('^(a+)+b')",
    "((a) => { a.a = a; return a; })({})",
]


@pytest.mark.parametrize("expression", LONG)
def test_no_built_in_function_holds_the_sandbox(
    runtime: Runtime, expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.aws.appsync_js.runtime.CPU_SECONDS", 0.2)
    assert runtime.run(f"export const request = () => {expression};", "request", {}).error is not None
    assert runtime.run("export const request = () => 1;", "request", {}).result == 1


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[1].concat([2], 3, [[4]])", [1, 2, 3, [4]]),
        ("[1, [2, [3, [4]]]].flat()", [1, 2, [3, [4]]]),
        ("[1, [2, [3, [4]]]].flat(Infinity)", [1, 2, 3, 4]),
        ("[1, 2].flatMap((n) => [n, [n]])", [1, [1], 2, [2]]),
        ("[10, 9, undefined, 'b', 1].sort()", [1, 10, 9, "b", None]),
        ("[10, 9, 1].toSorted((a, b) => a - b)", [1, 9, 10]),
        ("Array.from({ length: 3 }, (_, n) => n)", [0, 1, 2]),
        ("Array.from(new Set('aab'))", ["a", "b"]),
        ("Array.prototype.map.call('ab', (c) => c + c)", ["aa", "bb"]),
        ("(function () { return Array.prototype.slice.call(arguments, 1); })(1, 2, 3)", [2, 3]),
        ("((a) => { a.push(2); return [a.length, ...a.entries()]; })([1])", [2, [0, 1], [1, 2]]),
        (
            "JSON.stringify({ a: [1, { b: 2 }], c: 3 }, ['a', 'b'], 1)",
            '{\n "a": [\n  1,\n  {\n   "b": 2\n  }\n ]\n}',
        ),
        ("String.raw`a\\n${1}` + 'a-b-c'.replaceAll('-', '+').split('+').join()", "a\\n1a,b,c"),
        ("[Array.from.name, [].concat.length, 'x'.padEnd.name]", ["from", 1, "padEnd"]),
        ("Object.keys([1, 2]).concat(Object.keys('ab'))", ["0", "1", "0", "1"]),
    ],
)
def test_bounded_functions_give_what_they_did(runtime: Runtime, expression: str, expected: object) -> None:
    outcome = runtime.run(f"export function request() {{ return {expression}; }}", "request", {})
    assert (outcome.error, outcome.result) == (None, expected)
