"""Functions behind AWS's Lambda Web Adapter: a web server instead of Lambda's runtime, which the adapter calls.

The adapter itself, a binary in a layer of AWS's, does not run here. One of the modules that use MiniStack's private
names.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.server.front_doors import adapter_requests, response_stream
from local_aws.server.front_doors.adapter_requests import HttpRequest
from local_aws.server.front_doors.response_stream import ResponseStream

INIT_SECONDS: Final = 10.0
"""How long Lambda lets a function start, in seconds, before it starts it once more within the invocation.

Source: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html.
"""

_LAYER = re.compile(r":753240598075:layer:LambdaAdapterLayer(?:Arm64|X86):\d+$")
_WRAPPER: Final = "/opt/bootstrap"
_CHECK_SECONDS: Final = 0.01


_EXIT: Final = "Runtime exited with error: exit status"


class _NotReadyError(Exception):
    """The web server is not ready in time."""


class _ExitError(Exception):
    """The web server has ended; the message is Lambda's."""


def complete() -> None:
    """Let MiniStack run such functions."""
    choose = lambda_runtime._worker_class_for
    lambda_runtime._worker_class_for = lambda config: AdapterWorker if is_adapted(config) else choose(config)
    execute = lambda_svc._execute_function_warm

    def execute_warm(*arguments: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        result = execute(*arguments)
        body = result.get("body")
        if result.get("error") and str(body.get("errorMessage")).startswith(_EXIT):
            body["errorType"] = "Runtime.ExitError"  # MiniStack has one type for all
        return result

    lambda_svc._execute_function_warm = execute_warm


def is_adapted(config: dict[str, Any]) -> bool:
    """Return whether a function has the adapter's layer and runs its wrapper."""
    layers = [one if isinstance(one, str) else one.get("Arn", "") for one in config.get("Layers") or []]
    return _variables(config).get("AWS_LAMBDA_EXEC_WRAPPER") == _WRAPPER and any(map(_LAYER.search, layers))


def _variables(config: dict[str, Any]) -> dict[str, str]:
    return (config.get("Environment") or {}).get("Variables") or {}


class AdapterWorker(lambda_runtime.Worker):  # type: ignore[misc]
    """One execution environment of such a function."""

    _proc: Any

    def invoke(
        self,
        event: Any,  # noqa: ANN401 - JSON
        request_id: str,
        *,
        invoked_function_arn: str | None = None,
        **_: Any,  # noqa: ANN401 - what Lambda's own runtimes get
    ) -> dict[str, Any]:
        """Run one invocation; see ``lambda_runtime.Worker.invoke``."""
        with self._lock:
            seconds = float(self.config.get("Timeout", 3))
            stream = response_stream.current.get()
            cold = self._proc is None or self._proc.poll() is not None
            try:
                if cold:
                    self._start(seconds)
                deadline = time.monotonic() + seconds
                arn = invoked_function_arn or self.config.get("FunctionArn", "")
                result = self._exchange(self._request(event, request_id, arn, seconds), deadline, stream)
            except (TimeoutError, _NotReadyError):
                self._end()
                if stream:
                    stream.cut_off()
                error = f"Task timed out after {int(seconds)}.00 seconds"
                return {"status": "error", "error": error, "cold_start": cold, "log": self._drain_stderr()}
            except (_ExitError, OSError, http.client.HTTPException) as error:
                is_exit = isinstance(error, _ExitError)
                text = str(error) if is_exit else f"client error (SendRequest): {type(error).__name__}"
                return {"status": "error", "error": text, "cold_start": cold, "log": self._drain_stderr_bounded()}
            log = self._drain_stderr_bounded()
            if stream:
                stream.end()
            return {"status": "ok", "result": result, "cold_start": cold, "log": log}

    def _start(self, seconds: float) -> None:
        """Start the web server, and once more with the function's own time-out when it is not ready in time."""
        try:
            self._spawn()
        except _NotReadyError:
            self._spawn(seconds)
        self._cold = False

    def _spawn(self, seconds: float = INIT_SECONDS) -> None:
        self._end()
        root = Path(lambda_svc._provided_runtime_code_dir(self.code_zip))
        self._port = _free_port()
        environment = lambda_svc._provided_worker_env(self.config, str(root), 0)
        del environment["AWS_LAMBDA_RUNTIME_API"]
        # On AWS each environment has a network of its own. Here they share one, so each has a port of its own.
        environment |= {"AWS_LWA_PORT": str(self._port), "PORT": str(self._port), "LAMBDA_RUNTIME_DIR": "/var/runtime"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        environment.setdefault("AWS_ENDPOINT_URL", f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}")
        with lambda_svc._provided_code_lock:  # a fork while code is written: "text file busy"
            try:
                self._proc = subprocess.Popen(
                    [root / self.config["Handler"]],
                    cwd=root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    bufsize=1,
                )
            except OSError:
                raise _ExitError(f"{_EXIT} 126") from None
        self._proc.stderr = self._proc.stdout  # the thread that collects the log reads this one
        self._stderr_queue: Queue[str] = Queue()
        self._stderr_thread = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_thread.start()
        self._wait_until_ready(seconds)

    def _wait_until_ready(self, seconds: float) -> None:
        path = _variables(self.config).get("AWS_LWA_READINESS_CHECK_PATH", "/")
        give_up = time.monotonic() + seconds
        while (left := give_up - time.monotonic()) > 0:
            code = self._proc.poll()
            if code is not None:
                raise _ExitError(f"{_EXIT} {code}")
            try:
                connection, answer = self._ask(HttpRequest("GET", path, {}, b""), left)
                connection.close()
                if 100 <= answer.status < 500:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(_CHECK_SECONDS)
        raise _NotReadyError

    def _request(self, event: Any, request_id: str, arn: str, seconds: float) -> HttpRequest:  # noqa: ANN401 - JSON
        deadline = int((time.time() + seconds) * 1000)
        context = {"request_id": request_id, "deadline": deadline, "invoked_function_arn": arn, "xray_trace_id": None}
        return adapter_requests.request_of(event if isinstance(event, dict) else {"event": event}, context)

    def _ask(self, request: HttpRequest, seconds: float) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=seconds)
        connection.putrequest(
            request.method, request.target, skip_host="host" in request.headers, skip_accept_encoding=True
        )
        for name, value in request.headers.items():
            connection.putheader(name, value.encode())
        connection.endheaders(request.body or None)
        return connection, connection.getresponse()

    def _exchange(self, request: HttpRequest, deadline: float, stream: ResponseStream | None) -> Any:  # noqa: ANN401 - JSON
        """Return the answer; write it to the stream as it arrives.

        Raises:
            TimeoutError: the deadline has passed.
            OSError: the web server did not answer.

        """
        streams = _variables(self.config).get("AWS_LWA_INVOKE_MODE", "buffered").lower() == "response_stream"
        connection, answer = self._ask(request, deadline - time.monotonic())
        head = adapter_requests.head_of(answer.status, answer.getheaders())
        if stream and streams:
            stream.begin(head)
        body = b""
        for part in _parts(connection, answer, deadline):
            body += part
            if stream and streams:
                stream.write(part)
        connection.close()
        return adapter_requests.streamed_answer(head, body) if streams else adapter_requests.buffered_answer(head, body)

    def _end(self) -> None:
        process, self._proc = self._proc, None
        lambda_runtime._signal(process)
        lambda_runtime._collect(process, time.monotonic() + lambda_runtime._REAP_GRACE)


def _parts(
    connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, deadline: float
) -> Iterator[bytes]:
    """Yield the parts of a body as they arrive. Where the web server breaks off, the adapter writes trailers.

    Raises:
        TimeoutError: the deadline has passed.

    """
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if connection.sock:
                connection.sock.settimeout(left)
            part = answer.read1(65536)
            if not part:
                break
            yield part
        if answer.length:
            yield adapter_requests.trailer("end of file before message length reached")
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException):
        yield adapter_requests.trailer("error reading a body from connection")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
