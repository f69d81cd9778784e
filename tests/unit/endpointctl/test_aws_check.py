"""What the probes make is deleted, whatever ends them."""

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from endpointctl.aws_check import Account, ask, temporary, update
from endpointctl.failure import Failure

LOST = ReadTimeoutError(endpoint_url="https://api.sagemaker")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://api.sagemaker")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "CreateModel")


class SageMaker:
    """A control plane that holds names, and fails when it is time to.

    Attributes:
        names: what exists.
        fails: by the name of an operation, an error after the work is done, or before it for a refusal.

    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.fails: dict[str, list[BaseException]] = {}

    def _fail(self, operation: str, *, refusals: bool) -> None:
        errors = self.fails.get(operation, [])
        if errors and isinstance(errors[0], ClientError) == refusals:
            raise errors.pop(0)

    def _create(self, operation: str, name: str) -> None:
        self._fail(operation, refusals=True)
        self.names.add(name)
        self._fail(operation, refusals=False)

    def _delete(self, operation: str, name: str) -> None:
        self._fail(operation, refusals=True)
        self._fail(operation, refusals=False)
        if name not in self.names:
            raise refused("ValidationException")
        self.names.discard(name)

    def create_model(self, *, ModelName: str, **_: Any) -> None:  # noqa: N803
        self._create("create_model", ModelName)

    def create_endpoint_config(self, *, EndpointConfigName: str, **_: Any) -> None:  # noqa: N803
        self._create("create_endpoint_config", EndpointConfigName)

    def delete_model(self, *, ModelName: str) -> None:  # noqa: N803
        self._delete("delete_model", ModelName)

    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:  # noqa: N803
        self._delete("delete_endpoint_config", EndpointConfigName)


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    monkeypatch.setattr(temporary, "time", SimpleNamespace(sleep=lambda _: None))
    return SageMaker()


def account(sagemaker: Any) -> Account:
    package = "arn:aws:sagemaker:us-east-1:1:model-package/x"
    return Account(sagemaker, None, None, "arn:aws:iam::1:role/x", package, "ml.g5.xlarge", "endpoint")


PROBES = ["legacy-package", "ami"]


@pytest.mark.parametrize(
    "operation", ["create_model", "create_endpoint_config", "delete_model", "delete_endpoint_config"]
)
@pytest.mark.parametrize(
    "error", [refused("ThrottlingException"), LOST, UNREACHABLE, KeyboardInterrupt(), ZeroDivisionError()]
)
def test_nothing_is_left_after_any_error(sagemaker: SageMaker, operation: str, error: BaseException) -> None:
    sagemaker.fails[operation] = [error]
    with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):
        list(ask(account(sagemaker), PROBES))
    assert sagemaker.names == set()
    assert sagemaker.fails[operation] == [], "the error was raised"


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_nothing_is_left_when_nobody_reads_on(sagemaker: SageMaker, answers: int) -> None:
    sagemaker.fails["delete_endpoint_config"] = [refused("ThrottlingException")]
    generator: Iterator[tuple[str, str]] = ask(account(sagemaker), ["ami", "capture", "shadow"])
    with contextlib.closing(generator):  # type: ignore[type-var]
        for _ in range(answers):
            next(generator)
    assert sagemaker.names == set()


@pytest.mark.parametrize("error", [lambda: refused("AccessDeniedException"), lambda: UNREACHABLE])
def test_what_cannot_be_deleted_is_named(sagemaker: SageMaker, error: Callable[[], BaseException]) -> None:
    sagemaker.fails["delete_model"] = [error() for _ in range(100)]
    with pytest.raises(Failure) as caught:
        list(ask(account(sagemaker), ["legacy-package"]))
    (name,) = sagemaker.names
    assert f"model {name}" in caught.value.reason


def test_an_error_of_one_probe_is_its_answer(sagemaker: SageMaker) -> None:
    sagemaker.fails["create_model"] = [UNREACHABLE, refused("AccessDeniedException")]
    answers = dict(ask(account(sagemaker), ["ami", "capture", "shadow"]))
    assert "EndpointConnectionError" in answers["ami"]
    assert "AccessDeniedException" in answers["capture"]
    assert answers["shadow"] == "accepted"


class Updated:
    """A control plane whose endpoint has these statuses, one after the other."""

    def __init__(self, *statuses: str, second_fleet: bool = False) -> None:
        self.statuses = list(statuses)
        self.second_fleet = second_fleet
        self.updates: list[dict[str, Any]] = []

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        status = self.statuses.pop(0)
        pending: dict[str, Any] = {"PendingDeploymentSummary": {}} if self.second_fleet and status == "Updating" else {}
        return {"EndpointStatus": status, "EndpointConfigName": "present", **pending}

    def update_endpoint(self, **request: Any) -> None:
        self.updates.append(request)


@pytest.mark.parametrize(
    ("sagemaker", "answer"),
    [
        (Updated("InService", "Updating", "Updating", "InService"), "InService after 2 s, with no Pending"),
        (Updated("InService", "Updating", "InService", second_fleet=True), "InService after 1 s, with a Pending"),
        (Updated("InService", "UpdateRollbackFailed"), "UpdateRollbackFailed after 0 s, with no Pending"),
        (Updated("InService", *["Updating"] * 5000), "Updating after 3601 s, with no Pending"),
    ],
)
def test_an_update_is_watched_to_its_end(monkeypatch: pytest.MonkeyPatch, sagemaker: Updated, answer: str) -> None:
    clock = [0.0]

    def sleep(_: float) -> None:
        clock[0] += 1.0

    monkeypatch.setattr(update, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock[0]))
    found = dict(ask(account(sagemaker), ["retained-update"]))
    assert found["retained-update"].startswith(answer)
    request = {"EndpointName": "endpoint", "EndpointConfigName": "present", "RetainAllVariantProperties": True}
    assert sagemaker.updates == [request]


def test_an_endpoint_that_is_busy_is_not_updated() -> None:
    sagemaker = Updated("Updating")
    assert dict(ask(account(sagemaker), ["retained-update"])) == {
        "retained-update": "not asked: the endpoint is Updating"
    }
    assert sagemaker.updates == []
