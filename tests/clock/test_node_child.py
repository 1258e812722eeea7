"""Real Node.js processes on the virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sandbox.clock import Clock, run
from tests.clock.conftest import Lines, say

CLOCK = "const at = (...what) => console.log(...what, Math.round(performance.now() * 1000) / 1000)\n"


def test_every_way_to_ask_for_the_time(lines_of: Callable[..., Lines]) -> None:
    program = """
import { setTimeout as sleep } from 'node:timers/promises'
import fs from 'node:fs'
const readings = () => [Date.now(), new Date().getTime(), +new Date(), performance.timeOrigin + performance.now(),
  performance.now(), Number(process.hrtime.bigint()) / 1e6, process.uptime() * 1e3]
const before = readings()
const start = process.hrtime()
await sleep(86400000)
console.log([...new Set(readings().map((late, index) => Math.round(late - before[index])))])
console.log(process.hrtime(start), new Date(5).getTime(), new Date(2026, 1).getMonth(), new Date() instanceof Date)
console.log(Date().slice(0, 15) === new Date().toString().slice(0, 15), Date.name, Date.length, Date.UTC(1970, 0))
class Own extends Date {}
console.log(new Own() instanceof Own, fs.statSync('/').mtime instanceof Date, new Date().constructor === Date)
"""
    assert lines_of(program, runtime="node") == [
        (86400.0, "[ 86400000 ]"),
        (86400.0, "[ 86400, 0 ] 5 1 true"),
        (86400.0, "true Date 7 0"),
        (86400.0, "true true true"),
    ]


def test_timers_fire_exactly_and_in_order(lines_of: Callable[..., Lines]) -> None:
    program = (
        CLOCK
        + """
import timers from 'node:timers'
import { promisify } from 'node:util'
import { setInterval as every, scheduler } from 'node:timers/promises'
setTimeout(at, 40000, 'forty')
timers.setTimeout(() => { at('b'); Promise.resolve().then(() => at('promise')) }, 5)
setTimeout(at, 5, 'c')
setTimeout(at, 0, 'a')
clearTimeout(setTimeout(at, 7, 'never'))
clearTimeout(+setTimeout(at, 7, 'never'))
let ticks = 0
const interval = setInterval(() => { at('tick'); if (++ticks === 2) clearInterval(interval) }, 1000)
const refreshed = setTimeout(at, 3000, 'refreshed')
setTimeout(() => refreshed.refresh(), 2500)
await promisify(setTimeout)(10000)
at('promisified')
for await (const value of every(100, 'value')) { at(value); break }
await scheduler.wait(50)
at('waited')
"""
    )
    assert [text for _, text in lines_of(program, runtime="node")] == [
        "a 1",
        "b 5",
        "promise 5",
        "c 5",
        "tick 1000",
        "tick 2000",
        "refreshed 5500",
        "promisified 10000",
        "value 10100",
        "waited 10150",
        "forty 40000",
    ]


def test_process_ends_when_only_unreferenced_timers_are_left(lines_of: Callable[..., Lines]) -> None:
    program = (
        CLOCK
        + """
const timer = setTimeout(at, 50000, 'never')
timer.unref()
setTimeout(at, 1000, 'last')
setInterval(at, 700, 'interval').unref()
console.log(timer.hasRef(), timer.ref().hasRef(), timer.unref().hasRef())
process.on('exit', () => at('exit'))
"""
    )
    assert [text for _, text in lines_of(program, runtime="node")] == [
        "false true false",
        "interval 700",
        "last 1000",
        "exit 1000",
    ]


def test_context_of_asynchronous_work_is_kept(lines_of: Callable[..., Lines]) -> None:
    program = """
import { AsyncLocalStorage } from 'node:async_hooks'
const storage = new AsyncLocalStorage()
for (const id of ['one', 'two']) storage.run(id, () => setTimeout(() => console.log(storage.getStore()), 10))
"""
    assert [text for _, text in lines_of(program, runtime="node")] == ["one", "two"]


def test_errors_in_timers_reach_the_process(lines_of: Callable[..., Lines]) -> None:
    program = (
        CLOCK
        + """
process.on('uncaughtException', (error) => at(error.message))
setTimeout(() => { throw new Error('first') }, 10)
setTimeout(at, 10, 'second')
try { setTimeout('text', 1) } catch (error) { console.log(error.code) }
"""
    )
    lines = [text for _, text in lines_of(program, runtime="node")]
    assert lines == ["ERR_INVALID_ARG_TYPE", "first 10", "second 10"]


def test_abort_signals_and_blocking_waits(lines_of: Callable[..., Lines]) -> None:
    program = (
        CLOCK
        + """
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
const cell = new Int32Array(new SharedArrayBuffer(4))
at(Atomics.wait(cell, 0, 0, 5000))
at(Atomics.wait(cell, 0, 1, 5000))
try { await sleep(1e6, null, { signal: AbortSignal.timeout(1000) }) } catch (error) {
  at(error.name, error.code, error.cause.name)
}
const worker = new Worker(`
  import { workerData } from 'node:worker_threads'
  setTimeout(() => { Atomics.store(workerData, 0, 1); Atomics.notify(workerData, 0) }, 3000)
`, { eval: true, workerData: cell })
at(Atomics.wait(cell, 0, 0, 60000))
await worker.terminate()
"""
    )
    assert [text for _, text in lines_of(program, runtime="node")] == [
        "timed-out 5000",
        "not-equal 5000",
        "AbortError ABORT_ERR TimeoutError 6000",
        "ok 9000",
    ]


def test_timeouts_of_real_clients_fire_exactly(lines_with_stalled_server: Callable[..., Lines]) -> None:
    program = (
        CLOCK
        + """
import http from 'node:http'
import net from 'node:net'
const url = 'http://127.0.0.1:' + process.env.PORT
try { await fetch(url, { signal: AbortSignal.timeout(20000) }) } catch (error) { at(error.name) }
await new Promise((resolve) => {
  const request = http.get(url, { timeout: 3000 })
  request.on('timeout', () => { at('http'); request.destroy() })
  request.on('error', resolve)
})
await new Promise((resolve) => {
  const socket = net.connect(process.env.PORT, '127.0.0.1')
  socket.setTimeout(4000, () => { at('net', socket.timeout); socket.destroy(); resolve() })
  setTimeout(() => socket.write('x'), 1000)
})
"""
    )
    assert lines_with_stalled_server(program, runtime="node") == [
        (20.0, "TimeoutError 20000"),
        (23.0, "http 23000"),
        (28.0, "net 4000 28000"),
    ]


def test_loop_that_only_reads_the_clock_ends(lines_of: Callable[..., Lines]) -> None:
    program = "const end = Date.now() + 5; while (Date.now() < end); console.log('ended')"
    [(instant, text)] = lines_of(program, runtime="node")
    assert text == "ended"
    assert 0.005 <= instant <= 0.01


def test_blocking_wait_ends_before_time_goes_on() -> None:
    program = (
        CLOCK
        + """
const cell = new Int32Array(new SharedArrayBuffer(4))
for (let i = 0; i < 20; i++) { Atomics.wait(cell, 0, 0, 100); at(i) }
"""
    )

    async def main(clock: Clock) -> Lines:
        async def tick() -> None:
            while True:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

        ticks = asyncio.get_running_loop().create_task(tick())
        lines = await say(clock, program, runtime="node")
        ticks.cancel()
        return lines

    assert [text for _, text in run(main, in_flight="test")] == [f"{i} {(i + 1) * 100}" for i in range(20)]
