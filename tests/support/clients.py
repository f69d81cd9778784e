"""The clients as test clients: a process for each environment below .tools/, which runs ``tests/clients/scenarios``."""

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_aws.runner import processes
from tests.support.templates import ROOT

FOLDER = ROOT / "tests" / "clients"
TOOLS = ROOT / ".tools"
KEY = "aKeyOfTheTestsWithFortyCharactersInIt0000"
MODEL = "command-r"
CALL_SECONDS = 120.0
"""How long a call may take, with its retries and imports."""
# Nothing of a user's own set-up reaches the clients, and none of them looks for news on the network.
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")
_SET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LANGSMITH_TRACING": "false",
    "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
    "ANONYMIZED_TELEMETRY": "False",
}


@dataclass(frozen=True)
class Result:
    """What a call returned or raised, as plain JSON.

    Attributes:
        value: what the client returned; for a stream the list of its events.
        events: the events of a stream, also those before an exception.
        at: when each event arrived, in seconds since the call.
        error: the exception: ``class``, ``module``, ``status_code``, ``body``, ``headers``, ``message``.
        seconds: how long the call took, its retries included.

    """

    value: Any
    events: list[Any]
    at: list[float]
    error: dict[str, Any] | None
    seconds: float

    def unwrap(self) -> Any:
        """Return the value; fail with the exception's text if there is one."""
        assert self.error is None, f"{self.error['class']} {self.error['status_code']}: {self.error['message']}"
        return self.value

    def failure(self) -> dict[str, Any]:
        """Return the exception; fail if there is none."""
        assert self.error is not None, f"no exception: {self.value}"
        return self.error


class Client:
    """The process of one environment. Calls of several threads wait for each other.

    Args:
        environment: ``newest``, ``oldest``, ``cohere4``, ``frameworks`` or ``node``.

    """

    def __init__(self, environment: str) -> None:
        folder = TOOLS / f"clients-{environment}"
        assert (folder / ".installed").exists(), f"not installed: run `make .tools/{folder.name}/.installed`"
        self.environment = environment
        command: list[str | Path] = [folder / "bin" / "python", FOLDER / "worker.py"]
        if environment == "node":
            command = ["node", FOLDER / "node" / "worker.mjs", folder]
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            command,
            env={**{name: os.environ[name] for name in _KEPT if name in os.environ}, **_SET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def call(
        self,
        scenario: str,
        url: str,
        *,
        key: str = KEY,
        model: str = MODEL,
        auth: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> Result:
        """Run a scenario.

        Args:
            scenario: its module and function, e.g. ``cohere_sdk.chat``.
            url: the service's URL with the stage; see ``reachable``.
            key: the key that the client sends.
            model: the name that the client gives the model.
            auth: the ``httpx.Auth`` that signs instead: ``folder`` and ``module`` to import from, ``class`` and its
                ``arguments``, and variables of the ``environment``, e.g. credentials.
            settings: further arguments of the client's constructor.
            options: the options of the call.

        """
        service = {"url": url.rstrip("/"), "key": key, "model": model, "auth": auth, "settings": settings or {}}
        line = json.dumps({"scenario": scenario, "service": service, "options": options})
        with self._lock:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            alarm = threading.Timer(CALL_SECONDS, self._process.kill)
            alarm.start()
            answer = self._process.stdout.readline()
            alarm.cancel()
        assert answer, f"the process of {self.environment} ended within {scenario}, or took {CALL_SECONDS:.0f} s"
        return Result(**json.loads(answer))

    def end(self) -> None:
        processes.end(self._process, whole_group=True)


class Clients:
    """The processes of a test session, each started when it is first used."""

    def __init__(self) -> None:
        self._started: dict[str, Client] = {}

    def __getitem__(self, environment: str) -> Client:
        if environment not in self._started:
            self._started[environment] = Client(environment)
        return self._started[environment]

    def end(self) -> None:
        for client in self._started.values():
            client.end()


def reachable(url: str, cloud: str) -> str:
    """Return a deployed URL as the clients reach it on the local cloud: HTTP, with the local cloud's port.

    Args:
        url: a Function URL's or a REST API's URL.
        cloud: the local cloud's URL.

    """
    parts = urlsplit(url)
    return f"http://{parts.netloc}:{urlsplit(cloud).port}{parts.path}".rstrip("/")
