"""APPSYNC_JS: AppSync's JavaScript runtime, run for real (QuickJS), with ``@aws-appsync/utils`` of ours.

    runtime = Runtime(sandbox.ids, sandbox.clock)          # one a service; cheap until the first run
    outcome = runtime.run(code, "request", context, auth_type="API_KEY")

``context`` is what the handler sees as ``ctx``, JSON values by AppSync's names: ``arguments``, ``identity``,
``source``, ``request`` (``headers``, ``domainName``), ``info``, ``stash``, ``prev`` (``{"result": ...}``),
``result``, ``error`` (``{"message", "type"}``), ``env``; in an Event API ``channel``, ``events`` ... as its handlers
have them. ``ctx.args`` is added. :class:`Outcome` is what came of it. ``check(code, ("request", "response"))`` lists
what AppSync refuses when the code is saved. Numbers in DynamoDB's attribute values are numbers (``{"N": 5}``), as
AppSync shows them: the data source turns them into texts.
"""

from sandbox.aws.appsync_js.outcome import Extension, Outcome, Reported
from sandbox.aws.appsync_js.runtime import Runtime, check, exported
from sandbox.aws.appsync_js.syntax import CodeError

__all__ = ["CodeError", "Extension", "Outcome", "Reported", "Runtime", "check", "exported"]
