"""Real Python processes on the virtual clock: what they wait for is over at the exact instant."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from sandbox.clock import Clock, run
from tests.clock.conftest import Lines, Stalled, say

# measure(name, call): prints the name, what the call gave or raised, and how long it took by the child's own clock
MEASURE = """
import os, time
def measure(name, call):
    before = time.monotonic()
    try:
        result = call()
    except Exception as error:
        result = type(error).__name__
    print(name, result, round(time.monotonic() - before, 6), flush=True)
"""


def test_sleep_and_every_way_to_ask_for_the_time(lines_of: Callable[..., Lines]) -> None:
    program = """
import time
from datetime import date, datetime, timezone
import pickle
readings = lambda: [time.time(), time.time_ns() / 1e9,
    datetime.now(timezone.utc).timestamp(), datetime.now().timestamp(),
    datetime.utcnow().replace(tzinfo=timezone.utc).timestamp(), time.clock_gettime(time.CLOCK_REALTIME),
    time.monotonic() , time.monotonic_ns() / 1e9, time.perf_counter(), time.clock_gettime(time.CLOCK_MONOTONIC)]
before = readings()
time.sleep(86400)
print({round(late - early, 3) for early, late in zip(before, readings())})
print(date.today() == datetime.today().date() == datetime(*time.localtime()[:6]).date())
print(time.strftime("%F") == datetime.now().strftime("%F"), time.ctime()[:10] == time.asctime()[:10],
    time.gmtime()[:3] == datetime.now(timezone.utc).timetuple()[:3])
now = datetime.now()
print(type(now) is datetime, isinstance(now, date), pickle.loads(pickle.dumps(now)) == now, datetime.now is not None)
class Own(datetime): pass
print(type(Own.now()).__name__, type(Own.utcnow()).__name__)
class Clock:
    read = time.monotonic
print(Clock().read() == time.monotonic())
"""
    lines = lines_of(program)
    assert lines[0] == (86400.0, "{86400.0}")
    assert [text for _, text in lines[1:]] == [
        "True",
        "True True True",
        "True True True True",
        "Own Own",
        "True",
    ]


def test_wrong_sleeps_are_refused_as_always(lines_of: Callable[..., Lines]) -> None:
    program = (
        MEASURE
        + """
measure("negative", lambda: time.sleep(-1))
measure("text", lambda: time.sleep("1"))
measure("zero", lambda: time.sleep(0))
"""
    )
    assert [text for _, text in lines_of(program)] == [
        "negative ValueError 0.0",
        "text TypeError 0.0",
        "zero None 0.0",
    ]


def test_threads_wait_for_each_other_in_virtual_time(lines_of: Callable[..., Lines]) -> None:
    program = (
        MEASURE
        + """
import concurrent.futures, queue, threading
measure("event", lambda: threading.Event().wait(2.5))
measure("queue", lambda: queue.Queue().get(timeout=5))
measure("simple queue", lambda: queue.SimpleQueue().get(timeout=5))
full = queue.SimpleQueue()
threading.Timer(3, full.put, ["item"]).start()
measure("simple queue", lambda: full.get(timeout=5))
measure("semaphore", lambda: threading.Semaphore(0).acquire(timeout=1))
lock = threading.Lock()
lock.acquire()
measure("lock", lambda: lock.acquire(timeout=3))
threading.Timer(5, lock.release).start()
measure("lock released", lambda: lock.acquire(timeout=30))
reentrant = threading.RLock()
thread = threading.Thread(target=lambda: (reentrant.acquire(), time.sleep(4), reentrant.release()))
thread.start()
time.sleep(1)
measure("rlock", lambda: reentrant.acquire(timeout=2))
measure("rlock released", lambda: reentrant.acquire(timeout=20))
thread = threading.Thread(target=time.sleep, args=(10,))
thread.start()
measure("join", lambda: thread.join(4))
measure("join ended", lambda: thread.join(400))
with concurrent.futures.ThreadPoolExecutor() as pool:
    future = pool.submit(time.sleep, 20)
    measure("future", lambda: future.result(timeout=8))
    measure("future done", lambda: future.result(timeout=80))
"""
    )
    assert [text for _, text in lines_of(program)] == [
        "event False 2.5",
        "queue Empty 5.0",
        "simple queue Empty 5.0",
        "simple queue item 3.0",
        "semaphore False 1.0",
        "lock False 3.0",
        "lock released True 5.0",
        "rlock False 2.0",
        "rlock released True 1.0",
        "join None 4.0",
        "join ended None 6.0",
        "future TimeoutError 8.0",
        "future done None 12.0",
    ]


def test_files_and_sockets_wait_in_virtual_time(lines_with_stalled_server: Callable[..., Lines]) -> None:
    program = (
        MEASURE
        + """
import select, selectors, socket, threading
s = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), timeout=2)
measure("recv", lambda: s.recv(1))
print(s.gettimeout(), s.timeout, s.getblocking())
measure("select", lambda: select.select([s], [], [], 1.25))
measure("writable", lambda: len(select.select([s], [s], [], 1.25)[1]))
p = select.poll(); p.register(s, select.POLLIN)
measure("poll", lambda: p.poll(1500))
e = select.epoll(); e.register(s, select.EPOLLIN)
measure("epoll", lambda: e.poll(0.1))
for kind in (selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector):
    with kind() as selector:
        selector.register(s, selectors.EVENT_READ)
        measure(kind.__name__, lambda: selector.select(0.0105))
a, b = socket.socketpair()
a.settimeout(60)
threading.Timer(7, b.sendall, [b"!"]).start()
measure("recv in time", lambda: a.recv(1))
def fill():
    while True: a.sendall(b"x" * 1_000_000)
measure("sendall", fill)
l = socket.create_server(("127.0.0.1", 0)); l.settimeout(9)
measure("accept", l.accept)
socket.setdefaulttimeout(3)
measure("default", lambda: socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))).recv(1))
measure("refused", lambda: socket.create_connection(("127.0.0.1", 1), timeout=5))
"""
    )
    assert [text for _, text in lines_with_stalled_server(program)] == [
        "recv TimeoutError 2.0",
        "2.0 2.0 True",
        "select ([], [], []) 1.25",
        "writable 1 0.0",
        "poll [] 1.5",
        "epoll [] 0.1",
        "EpollSelector [] 0.0105",
        "PollSelector [] 0.0105",
        "SelectSelector [] 0.0105",
        "recv in time b'!' 7.0",
        "sendall TimeoutError 60.0",
        "accept TimeoutError 9.0",
        "default TimeoutError 3.0",
        "refused ConnectionRefusedError 0.0",
    ]


def test_processes_and_signals_wait_in_virtual_time(lines_of: Callable[..., Lines]) -> None:
    program = (
        MEASURE
        + """
import signal, subprocess, sys
child = [sys.executable, "-c", "import time; time.sleep(30)"]
measure("run", lambda: subprocess.run(child, timeout=3))
measure("run in time", lambda: subprocess.run(child, timeout=300).returncode)
measure("output", lambda: subprocess.run(child, timeout=300, capture_output=True).returncode)
signal.signal(signal.SIGALRM, lambda *_: print("alarm", round(time.monotonic() - start, 6), flush=True))
start = time.monotonic()
signal.alarm(7)
measure("sleep", lambda: time.sleep(10))
start = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 0.5, 2)
measure("sleep", lambda: time.sleep(3))
measure("left", lambda: signal.setitimer(signal.ITIMER_REAL, 0))
sys.stdout.flush()
if (pid := os.fork()) == 0:
    time.sleep(5)
    print("forked", flush=True)
    os._exit(0)
measure("waitpid", lambda: os.waitpid(pid, 0)[1])
"""
    )
    assert [text for _, text in lines_of(program)] == [
        "run TimeoutExpired 3.0",
        "run in time 0 30.0",
        "output 0 30.0",
        "alarm 7.0",
        "sleep None 10.0",
        "alarm 0.5",
        "alarm 2.5",
        "sleep None 3.0",
        "left (1.5, 2.0) 0.0",
        "forked",
        "waitpid 0 5.0",
    ]


def test_asyncio_in_the_child_waits_exactly(lines_of: Callable[..., Lines]) -> None:
    program = (
        MEASURE
        + """
import asyncio
async def main():
    try:
        async with asyncio.timeout(29): await asyncio.to_thread(time.sleep, 40)
    except TimeoutError: print("timeout", time.monotonic(), flush=True)
    await asyncio.sleep(0.0305)
    print("slept", round(time.monotonic(), 6), flush=True)
asyncio.run(main())
"""
    )
    assert lines_of(program) == [(29.0, "timeout 1029.0"), (29.0305, "slept 1029.0305")]


def test_loop_that_only_reads_the_clock_ends(lines_of: Callable[..., Lines]) -> None:
    program = """
import time
end = time.time() + 0.02
while time.time() < end: pass
print("ended")
"""
    [(instant, text)] = lines_of(program)
    assert text == "ended"
    assert 0.02 <= instant <= 0.03


def test_900_seconds_are_exact(lines_of: Callable[..., Lines]) -> None:
    assert lines_of("import time; time.sleep(900); print(time.monotonic())") == [(900.0, "1900.0")]


CLIENTS = (
    MEASURE
    + """
import ssl, urllib.request, asyncio, httpx, urllib3, requests, openai, boto3, botocore.config
http, https, authority = os.environ["HTTP"], os.environ["HTTPS"], os.environ["AUTHORITY"]
context = ssl.create_default_context(cafile=authority)
measure("urllib", lambda: urllib.request.urlopen(http, timeout=3))
measure("urllib tls", lambda: urllib.request.urlopen(https, timeout=3, context=context))
measure("httpx", lambda: httpx.get(http, timeout=7.5))
measure("httpx tls", lambda: httpx.get(https, timeout=7.5, verify=context))
measure("urllib3", lambda: urllib3.PoolManager(retries=False).request("GET", http, timeout=30))
measure("requests tls", lambda: requests.get(https, timeout=30, verify=authority))
async def get():
    async with httpx.AsyncClient(timeout=12, verify=context) as client: await client.get(https)
measure("async httpx", lambda: asyncio.run(get()))
client = openai.OpenAI(base_url=http, api_key="key", max_retries=0, timeout=60)
measure("openai", lambda: client.chat.completions.create(model="m", messages=[]))
config = botocore.config.Config(read_timeout=60, retries={"total_max_attempts": 1})
os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
client = boto3.client("lambda", "us-east-1", endpoint_url=http, config=config)
measure("boto3", client.list_functions)
"""
)


def test_timeouts_of_real_clients_fire_exactly(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def main(clock: Clock) -> Lines:
        plain, secure = await Stalled(clock).start(), await Stalled(clock).start(ssl=context)
        return await say(
            clock,
            CLIENTS,
            HTTP=f"http://127.0.0.1:{plain.port}",
            HTTPS=f"https://127.0.0.1:{secure.port}",
            AUTHORITY=tmp_path / "authority.pem",
        )

    assert run(main, in_flight="test") == [
        (3.0, "urllib TimeoutError 3.0"),
        (6.0, "urllib tls TimeoutError 3.0"),
        (13.5, "httpx ReadTimeout 7.5"),
        (21.0, "httpx tls ReadTimeout 7.5"),
        (51.0, "urllib3 ReadTimeoutError 30.0"),
        (81.0, "requests tls ReadTimeout 30.0"),
        (93.0, "async httpx ReadTimeout 12.0"),
        (153.0, "openai APITimeoutError 60.0"),
        (213.0, "boto3 ReadTimeoutError 60.0"),
    ]


def test_hidden_sitecustomize_still_runs(tmp_path: Path, lines_of: Callable[..., Lines]) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time\nprint('theirs', __file__, time.monotonic())\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        lines = lines_of("import sitecustomize, time; time.sleep(1); print('ours')")
    assert lines == [(0.0, f"theirs {tmp_path}/sitecustomize.py 1000.0"), (1.0, "ours")]


def test_process_outlives_the_sandbox() -> None:
    async def main(clock: Clock) -> dict[str, str]:
        return clock.environment("python")

    program = "import time; time.sleep(0.01); print(time.time() > 1e9)"
    result = subprocess.run(
        [sys.executable, "-c", program], env=run(main), capture_output=True, text=True, check=True
    )
    assert result.stdout == "True\n"
