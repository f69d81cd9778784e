"""The switch's cold start against a bare boto3 handler that reads the same: from the process's start to its answer."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.function import Row, alive
from bench.stubs import Quick, stub

HANDLERS: Final = {"switch": "power.handler.handler", "bare": "bench.bare_switch.handler"}
_ROUNDS: Final = 15
_LIMIT: Final = 1.1
_LEASE: Final = {"owner": "person", "until": 4e9, "granted": 1.0, "attempt": 1, "fires": 4e9}
_STACK: Final = """<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>bench</StackName>
<CreationTime>2026-11-25T00:00:00Z</CreationTime><StackStatus>UPDATE_COMPLETE</StackStatus><Parameters><member>
<ParameterKey>Awake</ParameterKey><ParameterValue>true</ParameterValue></member></Parameters></member></Stacks>
</DescribeStacksResult></DescribeStacksResponse>"""


class _Aws(Quick):
    def do_GET(self) -> None:  # noqa: N802
        """Answer GetSchedule."""
        self.answer(200, json.dumps({"Target": {"Input": json.dumps({"lease": _LEASE})}}).encode(), {})

    def do_POST(self) -> None:  # noqa: N802
        """Answer DescribeStacks and DescribeEndpoint."""
        is_stack = b"DescribeStacks" in self.body()
        self.answer(200, _STACK.encode() if is_stack else b'{"EndpointStatus": "InService"}', {})


def rows() -> Iterator[Row]:
    """Yield what, the ratio of medians, both spans and the limit."""
    found: dict[str, list[float]] = {name: [] for name in HANDLERS}
    with tempfile.TemporaryDirectory() as folder, stub(Path(folder), _Aws) as environment:
        address = environment.pop("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME")
        names = ("STACK", "ENDPOINT", "GROUP", "LEASE", "ENVIRONMENT", "VARIANTS", "SERVICE_ROLE_ARN")
        environment |= dict.fromkeys(names, "bench") | {"AWS_ENDPOINT_URL": address, "SCHEDULER_ROLE_ARN": "bench"}
        for number in range(_ROUNDS + 1):
            for name, handler in HANDLERS.items():
                with alive(handler, environment, {"action": "status"}, _is_good, 0) as life:
                    if number:  # the first one compiles
                        found[name].append(life.spawn * 1000)
    ours, bare = (statistics.median(found[name]) for name in HANDLERS)
    span = " / ".join(f"{min(one):.0f}-{max(one):.0f}" for one in found.values())
    what = f"start of the switch to its first answer, ms: {ours:.0f} / {bare:.0f} bare handler"
    yield what, f"{ours / bare:.2f}", span, f"{_LIMIT} times"


def _is_good(answer: Any) -> bool:  # noqa: ANN401 - JSON
    return bool(answer.get("stack") == "UPDATE_COMPLETE" and answer.get("endpoint") == "InService")
