"""Conditions and faults: read strictly, counted rightly."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from local_aws.conditions import VARIABLE, Conditions, ConditionsFile, Fault, main, set_conditions
from local_aws.server.sagemaker.faults import Faults


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    wanted = Conditions(
        unsubscribed=("x",), quotas={"ml.g5.xlarge": 1}, capacity={"ml.g5.xlarge": 0}, faults=(Fault("Slow", times=2),)
    )
    set_conditions(wanted, path)
    assert ConditionsFile(str(path)).now() == wanted
    assert Conditions.from_json(json.dumps(asdict(wanted))) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "conditions: .*allowed: a JSON object with unsubscribed, quotas, "),
        ("[]", "conditions: .*allowed: a JSON object with "),
        ('{"quota": {}}', "conditions: .*'quota'.*allowed: "),
        ('{"faults": [{"error": "Boom"}]}', "fault: 'Boom' is unknown; allowed: ThrottlingException, "),
        ('{"faults": [{"error": "Slow", "share": 2}]}', "fault: share: 2 is wrong; allowed: 0 to 1"),
        ('{"faults": [{"eror": "Slow"}]}', "conditions: .*'eror'"),
    ],
)
def test_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Conditions.from_json(text)


def test_a_wrong_or_missing_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "conditions.json"
    file = ConditionsFile(str(path))
    assert file.now() == Conditions()
    set_conditions(Conditions(unsubscribed=("x",)), path)
    assert file.now().unsubscribed == ("x",)
    path.write_text("{", "utf-8")
    assert file.now().unsubscribed == ("x",)
    path.unlink()
    assert file.now() == Conditions()


def _faults(tmp_path: Path, *faults: Fault) -> Faults:
    path = tmp_path / "conditions.json"
    set_conditions(Conditions(faults=faults), path)
    return Faults(ConditionsFile(str(path)))


def test_a_sequence(tmp_path: Path) -> None:
    faults = _faults(tmp_path, Fault("Slow", skip=1, times=2), Fault("InternalFailure", endpoint="other"))
    assert [faults.next_for("e") for _ in range(4)] == [None, "Slow", "Slow", None]
    assert faults.next_for("other") == "InternalFailure"


def test_a_share(tmp_path: Path) -> None:
    faults = _faults(tmp_path, Fault("Slow", share=0.25))
    happened = sum(faults.next_for("e") is not None for _ in range(2000))
    assert 400 < happened < 600


@pytest.mark.parametrize("path", ["", "/nowhere/conditions.json"])
def test_a_local_cloud_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv(VARIABLE, path)
    monkeypatch.setattr("sys.argv", ["conditions", "reset"])
    with pytest.raises(SystemExit, match=r"LOCAL_AWS_CONDITIONS names no running local cloud: run `make local`"):
        main()
