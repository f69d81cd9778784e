"""The proxy against a bare handler, both as Lambda runs them: AWS's runtime client, a Runtime API, TLS to a stub.

Source of the Runtime API: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
"""

from __future__ import annotations

import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from bench.stubs import Quick, serving, stub

HANDLERS = {"proxy": "proxy.handler.handler", "bare": "bench.bare_handler.handler"}
_LIMITS = {"spawn to first response, ms": 1.0, "warm CPU of a request, ms": 1.15, "peak memory, MiB": 1.0}
_BLOCKS, _BLOCK = 8, 50
_ANSWER = json.dumps({"id": "1", "generations": [{"text": " a text" * 60}], "prompt": "p"}).encode()
_EVENT = {
    "version": "2.0",
    "rawPath": "/v1/generate",
    "headers": {"content-type": "application/json"},
    "requestContext": {"http": {"method": "POST", "path": "/v1/generate"}},
    "body": json.dumps({"prompt": "word " * 120, "max_tokens": 100, "temperature": 0.9}),
    "isBase64Encoded": False,
}
Row = tuple[str, str, str, str]


def rows(rounds: int = 9) -> Iterator[Row]:
    """Yield what, the ratio of medians, both spans and the limit."""
    found: dict[str, dict[str, list[float]]] = {what: {name: [] for name in HANDLERS} for what in _LIMITS}
    with tempfile.TemporaryDirectory() as folder, stub(Path(folder), _SageMaker) as environment:
        for number in range(rounds + 1):
            for what, name, figure in _round(environment):
                if number:  # the first one compiles
                    found[what][name].append(figure)
    for what, limit in _LIMITS.items():
        ours, bare = found[what]["proxy"], found[what]["bare"]
        ratio = statistics.median(ours) / statistics.median(bare)
        both = f"{statistics.median(ours):.1f} / {statistics.median(bare):.1f}"
        span = f"{min(ours):.1f}-{max(ours):.1f} / {min(bare):.1f}-{max(bare):.1f}"
        yield f"{what}: proxy {both} bare handler", f"{ratio:.2f}", span, f"{limit} times"


def _round(environment: dict[str, str]) -> Iterator[tuple[str, str, float]]:
    """Start one execution environment of each, let them answer in turn, and yield the figures."""
    with ExitStack() as stack:
        lives = {
            name: stack.enter_context(alive(handler, environment, _EVENT, _is_good, _BLOCK))
            for name, handler in HANDLERS.items()
        }
        for name, life in lives.items():
            yield "spawn to first response, ms", name, life.spawn * 1000
        spent = dict.fromkeys(lives, 0.0)
        for _ in range(_BLOCKS):
            for name, life in lives.items():
                spent[name] += life.cpu_of(_BLOCK)
        for name, life in lives.items():
            yield "warm CPU of a request, ms", name, spent[name] / (_BLOCKS * _BLOCK) * 1000
            yield "peak memory, MiB", name, _peak_mib(life.pid)


class _SageMaker(Quick):
    def do_POST(self) -> None:  # noqa: N802
        """Answer at once."""
        self.body()
        self.answer(200, _ANSWER, {})


@dataclass
class Life:
    """An execution environment that answers.

    Attributes:
        pid: its process.
        spawn: from the start of the process to its first answer, in seconds.

    """

    pid: int
    spawn: float
    ask: Callable[[], None]

    def cpu_of(self, requests: int) -> float:
        """Return what so many requests cost, user and system, in seconds."""
        before = cpu_seconds(self.pid)
        for _ in range(requests):
            self.ask()
        return cpu_seconds(self.pid) - before


def _is_good(answer: Any) -> bool:  # noqa: ANN401 - JSON
    return bool(answer.get("statusCode") == 200 and json.loads(answer["body"]) == json.loads(_ANSWER))


@contextmanager
def alive(
    handler: str,
    environment: dict[str, str],
    event: Any,  # noqa: ANN401 - JSON
    is_good: Callable[[Any], bool],
    warm: int,
) -> Iterator[Life]:
    """Start an execution environment as Lambda does; yield it after its first answer.

    Args:
        handler: the function's entry point.
        environment: its variables.
        event: what it is asked each time.
        is_good: whether an answer is right.
        warm: how many unrecorded requests follow the first.

    """
    answers: queue.Queue[Any] = queue.Queue()
    wanted: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        wanted.put(True)
        answer = answers.get(timeout=30)
        if not is_good(answer):
            raise RuntimeError(f"the function failed: {answer}")

    with serving(_runtime_api(answers, wanted, event)) as port:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", handler],
            env={**environment, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "_HANDLER": handler},
            stdout=subprocess.DEVNULL,
        )
        try:
            ask()
            life = Life(process.pid, time.perf_counter() - begin, ask)
            life.cpu_of(warm)
            yield life
        finally:
            process.kill()
            process.wait()
            wanted.put(False)


def _runtime_api(
    answers: queue.Queue[Any],
    wanted: queue.Queue[bool],
    event: Any,  # noqa: ANN401 - JSON
) -> type[BaseHTTPRequestHandler]:
    class RuntimeApi(Quick):
        def do_GET(self) -> None:  # noqa: N802
            """Hand over the next event."""
            if wanted.get():
                deadline = int(time.time() * 1000) + 70_000
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": "1",
                    "Lambda-Runtime-Deadline-Ms": str(deadline),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:111122223333:function:bench",
                }
                self.answer(200, json.dumps(event).encode(), headers)

        def do_POST(self) -> None:  # noqa: N802
            """Take the answer, or an error, which the caller sees is none."""
            answer = json.loads(self.body())
            self.answer(202, b"{}", {})
            answers.put(answer)

    return RuntimeApi


def cpu_seconds(pid: int) -> float:
    """Return the CPU that a process has used, user and system, in seconds."""
    # proc(5): utime and stime are the 14th and 15th field; the name in the second one may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
