"""Conditions are read strictly, and faults happen as often as they should."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import pytest

from local_aws.condition_types import Api
from local_aws.conditions import VARIABLE, Conditions, ConditionsFile, Fault, main, set_conditions
from local_aws.faults import FAULTS
from local_aws.server.sagemaker.fault_selection import FaultSelector
from sagemaker_llm.models import catalog


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    conditions = Conditions(
        unsubscribed=("x",), quotas={"ml.g5.xlarge": 1}, capacity={"ml.g5.xlarge": 0}, faults=(Fault("Slow", times=2),)
    )
    set_conditions(conditions, path)
    assert ConditionsFile(str(path)).now() == conditions
    assert Conditions.from_json(json.dumps(asdict(conditions))) == conditions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "conditions: Invalid JSON: .*; allowed: a JSON object with unsubscribed, quotas, "),
        ("[]", "conditions: Input should be an object; allowed: a JSON object with unsubscribed, "),
        ('{"quota": {}}', "conditions: quota: unknown key; allowed: unsubscribed, quotas, "),
        ('{"capacity": 3}', "conditions: capacity: 3 is not allowed; allowed: an object with a whole number, 0 to "),
        (
            '{"capacity": {"ml.g5.xlarge": -1}}',
            r"capacity\[ml.g5.xlarge\]: -1 is not allowed; allowed: an object with ",
        ),
        ('{"quotas": {"g5.xlarge": 1}}', r'quotas\[g5.xlarge\]: "g5.xlarge" is not allowed; allowed: .*"ml.g5.xlarge"'),
        ('{"unhealthy": "cohere"}', 'unhealthy: "cohere" is not allowed; allowed: a list of parts of names'),
        ('{"unhealthy": [""]}', r'unhealthy\[0\]: "" is not allowed; allowed: a list of parts of names'),
        (
            '{"apis": {"mine": "talk"}}',
            r'apis\[mine\]: "talk" is not allowed; allowed: an object with generate, chat, ',
        ),
        ('{"concurrency": 1.5}', "concurrency: 1.5 is not allowed; allowed: a whole number, 0 to 1000000"),
        ('{"concurrency": true}', "concurrency: true is not allowed; allowed: a whole number"),
        ('{"queue": -1}', "queue: -1 is not allowed; allowed: a whole number"),
        ('{"answer_seconds": -1}', "answer_seconds: -1 is not allowed; allowed: seconds, 0 to 86400"),
        ('{"response_limit_seconds": 1e400}', "response_limit_seconds: Infinity is not allowed; allowed: seconds"),
        ('{"stream_format": "sse"}', 'stream_format: "sse" is not allowed; allowed: json_lines, server_sent_events'),
        ('{"part_delay_seconds": -1}', "part_delay_seconds: -1 is not allowed; allowed: seconds, 0 to 86400"),
        ('{"kms_with_nvme": 1}', "kms_with_nvme: 1 is not allowed; allowed: true or false"),
        ('{"faults": [3]}', r"faults\[0\]: 3 is not allowed; allowed: a list of faults, "),
        ('{"faults": [{}]}', r"faults\[0\].error: missing; allowed: ThrottlingException, "),
        (
            '{"faults": [{"error": "Boom"}]}',
            r'faults\[0\].error: "Boom" is not allowed; allowed: ThrottlingException, ',
        ),
        (
            '{"faults": [{"error": "Slow", "share": 2}]}',
            r"faults\[0\].share: 2 is not allowed; allowed: a number, 0 to 1",
        ),
        (
            '{"faults": [{"error": "Slow", "skip": -1}]}',
            r"faults\[0\].skip: -1 is not allowed; allowed: a whole number",
        ),
        (
            '{"faults": [{"eror": "Slow"}]}',
            r"faults\[0\].eror: unknown key; allowed: error, endpoint, share, skip, times, after",
        ),
    ],
)
def test_each_refusal_is_one_line_with_key_value_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Conditions.from_json(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("section", [Conditions, Fault])
def test_every_field_says_what_is_allowed(section: Any) -> None:
    assert [name for name, one in section.__pydantic_fields__.items() if not one.description] == []


def test_every_kind_of_fault_is_allowed() -> None:
    for name in FAULTS:
        assert Conditions.from_json(json.dumps({"faults": [{"error": name}]})).faults == (Fault(name),)


def test_a_fault_in_code_is_checked_as_well() -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        Fault("Boom")


def test_the_apis_are_the_catalogues() -> None:
    assert get_args(Api) == get_args(catalog.Api)


def test_the_first_matching_part_names_the_api_of_a_package() -> None:
    conditions = Conditions(apis={"our-model-chat": "chat", "our-model": "embed"})
    apis = [conditions.api_of(name) for name in ("our-model-chat-1", "our-model-2", "another")]
    assert apis == ["chat", "embed", None]


def test_an_invalid_file_keeps_the_last_conditions_and_a_missing_one_resets_them(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    file = ConditionsFile(str(path))
    assert file.now() == Conditions()
    set_conditions(Conditions(unsubscribed=("x",)), path)
    assert file.now().unsubscribed == ("x",)
    path.write_text("{", "utf-8")
    assert file.now().unsubscribed == ("x",)
    path.unlink()
    assert file.now() == Conditions()


def test_files_written_in_one_tick_of_the_clock_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    file = ConditionsFile(str(path))
    for queue in range(200):
        set_conditions(Conditions(queue=queue), path)
        assert file.now().queue == queue


def _selector(tmp_path: Path, *faults: Fault) -> FaultSelector:
    path = tmp_path / "conditions.json"
    set_conditions(Conditions(faults=faults), path)
    return FaultSelector(ConditionsFile(str(path)))


def test_a_sequence(tmp_path: Path) -> None:
    selector = _selector(tmp_path, Fault("Slow", skip=1, times=2), Fault("InternalFailure", endpoint="other"))
    assert [selector.next_for("e") for _ in range(4)] == [None, FAULTS["Slow"], FAULTS["Slow"], None]
    assert selector.next_for("other") == FAULTS["InternalFailure"]


def test_the_same_file_written_again_counts_from_the_beginning(tmp_path: Path) -> None:
    selector = _selector(tmp_path, Fault("Slow", times=1))
    for _ in range(3):
        assert [selector.next_for("e") for _ in range(2)] == [FAULTS["Slow"], None]
        set_conditions(Conditions(faults=(Fault("Slow", times=1),)), tmp_path / "conditions.json")


def test_a_fault_of_a_stream_comes_after_a_number_of_objects(tmp_path: Path) -> None:
    found = _selector(tmp_path, Fault("StreamBroken", after=7)).next_for("e")
    assert found
    assert (found.name, found.after) == ("StreamBroken", 7)


def test_a_share(tmp_path: Path) -> None:
    selector = _selector(tmp_path, Fault("Slow", share=0.25))
    happened = sum(selector.next_for("e") is not None for _ in range(2000))
    assert 400 < happened < 600


@pytest.mark.parametrize("path", ["", "/nowhere/conditions.json"])
def test_a_local_cloud_that_has_ended_is_named(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv(VARIABLE, path)
    monkeypatch.setattr("sys.argv", ["conditions", "reset"])
    with pytest.raises(SystemExit, match=r"LOCAL_AWS_CONDITIONS names no running local cloud: run `make local`"):
        main()
