"""The requests that reached a container, as tests read them."""

from pathlib import Path

from local_aws.invocation_log import Invocation, InvocationLog, read


def test_each_request_has_its_last_state(tmp_path: Path) -> None:
    path = tmp_path / "invocations.jsonl"
    log = InvocationLog(path)
    first, second = log.started("a", "chat", streamed=True), log.started("b", "embed", streamed=False)
    log.ended(second, "answered")
    assert read(path) == [Invocation("a", "chat", streamed=True), Invocation("b", "embed", False, "answered")]
    log.ended(first, "disconnected")
    assert read(path)[0].state == "disconnected"


def test_without_a_file_nothing_is_recorded(tmp_path: Path) -> None:
    log = InvocationLog(None)
    log.ended(log.started("a", "chat", streamed=True), "failed")
    assert read(tmp_path / "none") == []
