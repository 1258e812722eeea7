"""What is refused when code is saved, with its place; imports and exports of every form."""

from __future__ import annotations

import pytest

from sandbox.aws.appsync_js import Runtime, check, exported

UTILS = "import { util } from '@aws-appsync/utils';\n"


@pytest.mark.parametrize(
    ("code", "word", "place"),
    [
        ("export function request() {\n  try { a(); } catch (e) {}\n}", "try", (2, 3)),
        ("const f = () => {\n  throw 1;\n};", "throw", (2, 3)),
        ("while (true) {}", "while", (1, 1)),
        ("do {} while (true)", "do-while", (1, 1)),
        ("for (let i = 0; i < 1; i = i + 1) {}", "for loops", (1, 1)),
        ("for (const a of []) { continue; }", "continue", (1, 23)),
        ("async function f() {}", "async", (1, 1)),
        ("const f = async () => 1;", "async", (1, 11)),
        ("function* f() { yield 1; }", "generators", (1, 1)),
        ("class A {}", "classes", (1, 1)),
        ("let i = 0; i++;", "++", (1, 12)),
        ("const a = ~1;", "~", (1, 11)),
        ("const a = 'x' in {};", "operator in", (1, 11)),
        ("const a = {} instanceof Object;", "instanceof", (1, 11)),
        ("const f = () => this;", "this", (1, 17)),
        ("const a = '' + 2n ** 1000000n;", "BigInt", (1, 16)),
        ("const r = /x/;", "regular expression", (1, 11)),
        ("a: for (const b of []) { break a; }", "labels", (1, 1)),
        ("const p = Promise.resolve(1);", "promises", (1, 11)),
        ("import fs from 'fs';", "Cannot find module 'fs'", (1, 1)),
        ("const a = import('x');", "dynamic imports", (1, 11)),
        ("export default 1;", "export default", (1, 1)),
        ("const now = new Date();", "Cannot find name 'Date'", (1, 17)),
        ("const f = (a) => ({ a, b });", "Cannot find name 'b'", (1, 24)),
        ("const f = () => {\n  setTimeout(f, 1);\n};", "Cannot find name 'setTimeout'", (2, 3)),
    ],
)
def test_what_is_not_supported_is_told_with_its_place(code: str, word: str, place: tuple[int, int]) -> None:
    error = check(code)[0]
    assert word in error.value
    assert (error.type, (error.line, error.column)) == ("LINT_ERROR", place)


@pytest.mark.parametrize(
    "code",
    [
        "const s = 'while (true) { throw 1 }'; // try { } catch { }",
        "const t = `for (;;) ${1 + 1} /x/ await`;",
        "for (const a of [1]) { if (a) break; }\nfor (const k in { a: 1 }) { const b = k; }",
        "const f = ({ a, ...rest }, ...more) => ({ ...rest, a: a?.b ?? 1 });",
        "const o = { class: 1, async: 2, in: 3 };",
        "switch (1) { case 1: break; default: }",
        "const a = typeof 1 === 'number' && -1 < +2 && !false;",
        "const a = typeof fetch === 'undefined';",
        "const f = ({ a: { b = 1 }, ...c }, [d, e]) => [b, c, d, e];",
        "const f = (x) => g(x);\nfunction g(y) { for (const z of y) { return z.other; } return { key: y }; }",
        "const { a, b: c } = { a: 1, b: 2 }; const [d] = [a, c]; export { d as anything };",
        "export function f(ctx) { util.error('x'); extensions.evictFromApiCache('a', 'b', {}); return ctx; }",
    ],
)
def test_what_is_supported_passes(code: str) -> None:
    assert check(code) == []


def test_a_syntax_error_has_a_place() -> None:
    (error,) = check("export function request( {\n  return 1;\n}")
    assert (error.type, error.line) == ("PARSER_ERROR", 2)
    assert error.value.startswith("Parsing error: ")


def test_a_name_declared_twice_is_told() -> None:
    (error,) = check("const a = 1;\nconst a = 2;")
    assert (error.type, error.line) == ("PARSER_ERROR", 2)


def test_missing_exports_are_told() -> None:
    assert [error.value for error in check("export const request = 1;", ("request", "response"))] == [
        "The code must export a function 'response'."
    ]


@pytest.mark.parametrize(
    "code",
    [
        "export function request() { return 1; }",
        "export const request = () => 1;",
        "function f() { return 1; }\nexport { f as request };",
        "export { request };\nfunction request() { return 1; }",
        "// export function request() { return 2; }\nexport   function request() { return 1; }",
    ],
)
def test_every_form_of_export(runtime: Runtime, code: str) -> None:
    assert exported(code) == {"request"}
    assert runtime.run(code, "request", {}).result == 1


@pytest.mark.parametrize(
    "lines",
    [
        ("import { util } from '@aws-appsync/utils';", "util"),
        ('import { util as u } from "@aws-appsync/utils"', "u"),
        ("import * as all from '@aws-appsync/utils';", "all.util"),
        ("import {\n  runtime,\n  util,\n} from '@aws-appsync/utils';", "util"),
    ],
)
def test_every_form_of_import(runtime: Runtime, lines: tuple[str, str]) -> None:
    head, name = lines
    code = f"{head}\nexport const request = () => {name}.isString('import x from y');"
    assert runtime.run(code, "request", {}).result is True
