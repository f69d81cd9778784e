"""The state of the local cloud's account: subscriptions, quotas, capacity, unhealthy containers, faults.

The conditions are a JSON file in the run's folder. The server reads the file again when it changes, so a test or a
person can change the conditions with one command while everything runs:

    .venv/bin/python -m local_aws.conditions '{"capacity": {"ml.p5.48xlarge": 0}}'
    .venv/bin/python -m local_aws.conditions '{"faults": [{"error": "ThrottlingException", "times": 3}]}'
    .venv/bin/python -m local_aws.conditions '{"faults": [{"error": "StreamEndsEarly", "after": 5}]}'
    .venv/bin/python -m local_aws.conditions '{"apis": {"our-own-package": "chat"}}'
    .venv/bin/python -m local_aws.conditions reset
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, field
from pathlib import Path
from typing import Annotated, Final, TypeAlias, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from local_aws.condition_errors import problem
from local_aws.condition_types import (
    MOST,
    Agreements,
    Ahead,
    Api,
    Apis,
    Count,
    Counts,
    FaultName,
    Parts,
    Seconds,
    Share,
    StackFailures,
    StreamFormat,
    Switch,
)

VARIABLE: Final = "LOCAL_AWS_CONDITIONS"
"""The environment variable with the file's path; ``.local-cloud/env`` sets it."""

DECLARED_APIS_VARIABLE: Final = "LOCAL_AWS_DECLARED_APIS"
"""The environment variable with the path of a second file of conditions, of which only ``apis`` counts.

The runner writes it when it deploys an environment whose settings name the API of a package.
"""

DEFAULT_QUOTA: Final = 20
"""The quota of each instance type for endpoints, in instances. A real account often begins with 0."""

_STRICT: Final = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=_STRICT)
class Fault:
    """An error instead of an answer.

    Attributes:
        error: a name in ``faults.FAULTS``.
        endpoint: only requests for this endpoint; default all.
        share: the share of the requests that fail, 0 to 1; default all.
        skip: how many requests pass before the first failure; default 0.
        times: how many requests fail; default no limit.
        after: how many objects of a stream are sent before it fails or ends; default 1. Other faults ignore it.

    """

    error: FaultName
    endpoint: Annotated[str, Field(description="an endpoint's name, in quotes")] = ""
    share: Share = 1.0
    skip: Count = 0
    times: Annotated[Count | None, Field(description=f"a whole number, 0 to {MOST}, or null")] = None
    after: Count = 1


@dataclass(frozen=True, config=_STRICT)
class Conditions:
    """The state of the account. By default the account has everything and nothing fails.

    Attributes:
        unsubscribed: parts of the ids of packages to which the account is not subscribed.
        quotas: instances for endpoints by type; default ``DEFAULT_QUOTA`` of each.
        unapplied_quotas: parts of the names of instance types of whose quotas only the default is known.
        missing_types: parts of the names of instance types that the region does not have.
        agreements: the status of the Marketplace's agreement by parts of the package's id, or NONE; default ACTIVE.
        capacity: instances that AWS can provide, by type; default no limit.
        unhealthy: parts of the ids of packages whose containers never become healthy.
        apis: what the containers of packages answer, by a part of the package's id. The first match counts.
            Default: the settings of the deployed environment, then the catalogue, then ``generate``.
        kms_with_nvme: whether an endpoint config with a KMS key is accepted for types with NVMe storage (AWS's
            documents disagree); default not.
        faults: errors of the runtime; the first that applies happens.
        answer_seconds: how long a model takes for each answer, beside its work; default 0.
        response_limit_seconds: how long the runtime waits for a whole answer; default 60, as SageMaker.
        stream_limit_seconds: how long a stream may take; default 480, as SageMaker.
        part_delay_seconds: the time between two parts of a stream; default 0.
        stream_format: the streams of ``chat_v2`` containers, ``json_lines`` (default) or ``server_sent_events``. Which
            one Cohere's containers send is not published.
        concurrency: how many requests an instance answers at the same time; default 32.
        queue: how many requests wait for an instance before more are throttled; default 256. Neither number is known of
            SageMaker or of Cohere's containers.
        endpoint_seconds: how long an endpoint takes to be created, updated or deleted; default what the cloud started
            with.
        system_updating: parts of the names of endpoints that are ``SystemUpdating``.
        priced_twice: parts of the names of GPU types of which the price list has two products.
        clock_ahead_seconds: how far the clock of schedules, stacks, metrics, alarms and functions is ahead of the
            machine's; default 0.
        stack_failures: the steps of CloudFormation that fail: ``create``, ``update`` or ``delete`` and a part of a
            resource's type or logical id, or ``rollback`` and a part of a stack's name. Default none.

    """

    unsubscribed: Parts = ()
    quotas: Counts = field(default_factory=dict)
    unapplied_quotas: Parts = ()
    missing_types: Parts = ()
    agreements: Agreements = field(default_factory=dict)
    capacity: Counts = field(default_factory=dict)
    unhealthy: Parts = ()
    apis: Apis = field(default_factory=dict)
    kms_with_nvme: Switch = False
    faults: Annotated[tuple[Fault, ...], Field(description='a list of faults, e.g. [{"error": "Slow"}]')] = ()
    answer_seconds: Seconds = 0.0
    response_limit_seconds: Seconds = 60.0
    stream_limit_seconds: Seconds = 480.0
    part_delay_seconds: Seconds = 0.0
    stream_format: Annotated[StreamFormat, Field(description=", ".join(get_args(StreamFormat)))] = "json_lines"
    concurrency: Count = 32
    queue: Count = 256
    endpoint_seconds: Annotated[Seconds | None, Field(description="seconds, 0 to 86400, or null")] = None
    system_updating: Parts = ()
    priced_twice: Parts = ()
    clock_ahead_seconds: Ahead = 0.0
    stack_failures: StackFailures = ()

    @classmethod
    def from_json(cls, text: str) -> Conditions:
        """Read conditions.

        Raises:
            ValueError: the text is not JSON, or a key or value is not allowed; one line names both and what is allowed.

        """
        try:
            return _ADAPTER.validate_json(text)
        except ValidationError as error:
            raise ValueError(f"conditions: {problem(error, Conditions, Fault)}") from None

    def lacks_subscription(self, package: str) -> bool:
        """Return whether the account is not subscribed to a package."""
        return any(part in package for part in self.unsubscribed)

    def is_unhealthy(self, package: str) -> bool:
        """Return whether a package's container never becomes healthy."""
        return any(part in package for part in self.unhealthy)

    def api_of(self, package: str) -> Api | None:
        """Return what a package's container answers; None when the conditions do not say."""
        return next((api for part, api in self.apis.items() if part in package), None)

    def quota(self, instance_type: str) -> int:
        """Return how many instances of a type endpoints may have."""
        is_missing = any(part in instance_type for part in self.missing_types)
        return 0 if is_missing else self.quotas.get(instance_type, DEFAULT_QUOTA)

    def has_capacity(self, instance_type: str, instances: int) -> bool:
        """Return whether AWS can provide this many instances of a type."""
        return instances <= self.capacity.get(instance_type, instances)

    def change_seconds(self, default: float) -> float:
        """Return how long a change of an endpoint takes; the default where the conditions do not say."""
        return default if self.endpoint_seconds is None else self.endpoint_seconds


_ADAPTER: Final = TypeAdapter(Conditions)

Version: TypeAlias = tuple[int, int]
"""When a file was written, and its number: two files that are written within a tick of the clock differ in it."""

_NO_FILE: Final[Version] = (0, 0)


class ConditionsFile:
    """The conditions that a file holds at the moment.

    Args:
        path: the file; without it the conditions are the default ones.

    """

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._read = (_NO_FILE, Conditions())

    def now(self) -> Conditions:
        """Return the conditions; the last valid ones while the file is not valid."""
        return self.versioned()[1]

    def versioned(self) -> tuple[Version, Conditions]:
        """Return the conditions with the version of the file: another one each time that the file is written."""
        try:
            found = self._path.stat() if self._path else None
            version = (found.st_mtime_ns, found.st_ino) if found else _NO_FILE
            if self._path and version != self._read[0]:
                self._read = (version, Conditions.from_json(self._path.read_text("utf-8")))
        except FileNotFoundError:
            self._read = (_NO_FILE, Conditions())
        except ValueError:
            pass
        return self._read


def set_conditions(conditions: Conditions, path: Path) -> None:
    """Write the file atomically."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(conditions)), encoding="utf-8")
    draft.replace(path)


def main() -> None:
    """Set, reset or show the conditions of the local cloud that runs."""
    path = os.environ.get(VARIABLE)
    if not path or not Path(path).parent.exists():
        sys.exit(f"{VARIABLE} names no running local cloud: run `make local`, and here `. .local-cloud/env`")
    argument = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if argument:
            set_conditions(Conditions() if argument == "reset" else Conditions.from_json(argument), Path(path))
    except ValueError as error:
        sys.exit(str(error))
    file = Path(path)
    print(file.read_text("utf-8") if file.exists() else json.dumps(asdict(Conditions())))


if __name__ == "__main__":
    main()
