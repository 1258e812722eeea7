"""How an answer reached a client, in one of five words, told from the timeline alone.

Read from top to bottom; the first that holds is the verdict.

**refused**
    The request was turned down before the model was asked: an error came (status >= 400, or no answer at
    all) and neither a model call nor an invocation followed the request; or a function was invoked and
    itself turned the request down (status 4xx) without asking the model.
**lost**
    The model made its whole answer in time, and nothing of it arrived: the model had completed before the
    client's last request was over, and not one token came.
    Or a polling client was told that nobody knows its job, before anything of the answer had come.
**cut off**
    The answer ended early: with an error status, with a broken connection, because the client left or gave
    up, or with only part of the model's tokens. What ends before the model has completed (a gateway's
    timeout) is cut off, not lost, although the model goes on.
**streams**
    All tokens came, in at least two different instants, and at least half of them before the model's last
    token was made: they followed the model's schedule.
**arrives whole**
    All tokens came, but most of them only when the model was done: in one instant at or after its last
    token. An answer of one token, and one whose tokens the model made in one instant, cannot stream and
    arrives whole.

When the model was never asked and the answer is no error, its body stands for the tokens: bytes in two or
more different instants stream, all others arrive whole.

A WebSocket outlives its answers: how it was closed does not count, only which tokens came and when.
"""

from __future__ import annotations

from sandbox.stories.arrival import Arrival, arrival
from sandbox.stories.expectations import Verdict
from sandbox.stories.order import order
from sandbox.stories.trace import ClientRequest, Trace

_SLACK = 1e-9
_SWITCHED = 101


def judge(trace: Trace, client: str) -> Verdict:
    """The verdict on what a client got; a client that sent nothing was refused."""
    requests = trace.requests(client)
    if not requests:
        return "refused"
    last = requests[-1]
    got = arrival(trace, client)
    if trace.lost(client) and (got is None or got.count == 0):
        return "lost"
    if got is None:
        return _without_model(trace, requests, last)
    if got.count == 0:
        later = order(trace, client)  # a broadcast may lose the beginning and deliver the rest
        some = later is not None and later.came > 0
        return "lost" if _made_in_time(got, last) and not some else "cut off"
    if not _well(last) or not _all_came(got):
        return "cut off"
    return "streams" if _follows_schedule(got) else "arrives whole"


def _well(request: ClientRequest) -> bool:
    if request.error_kind == "api error":  # what a client asked for on its WebSocket was turned down
        return False
    if request.messages or request.status == _SWITCHED:  # a WebSocket outlives its answers
        return True
    return request.end == "completed" and request.status is not None and request.status < 400


def _without_model(trace: Trace, requests: list[ClientRequest], last: ClientRequest) -> Verdict:
    if not _well(last):
        invoked = any(run.started_at >= requests[0].sent_at - _SLACK for run in trace.invocations)
        turned_down = last.status is not None and 400 <= last.status < 500
        return "refused" if turned_down or not invoked else "cut off"
    instants = {at for at, _ in last.pieces}
    return "streams" if len(instants) > 1 else "arrives whole"


def _made_in_time(got: Arrival, last: ClientRequest) -> bool:
    done = got.answer.completed_at
    return done is not None and last.ended_at is not None and done <= last.ended_at + _SLACK


def _all_came(got: Arrival) -> bool:
    return got.answer.completed_at is not None and got.count == len(got.answer.made)


def _follows_schedule(got: Arrival) -> bool:
    last_made = got.answer.made[-1]
    early = sum(at < last_made - _SLACK for at in got.instants)
    return early * 2 >= got.count  # the last one comes later, so there are two instants at least
