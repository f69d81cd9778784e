"""Which recorded deployment an environment runs, and where a rollback goes."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from endpointctl.aws import Aws, Caller
from endpointctl.commands import deployments as commands
from endpointctl.deployments import Deployments
from endpointctl.failure import Failure

ENVIRONMENT = "dev"
STACK = "cohere-dev-endpoint"


def commit(letter: str) -> str:
    return letter * 40


def assembly(content: str) -> bytes:
    """Return an assembly whose only template has a content."""
    manifest = {"artifacts": {"a": {"type": "aws:cloudformation:stack", "properties": {}}, "b": {"type": "other"}}}
    manifest["artifacts"]["a"]["properties"] = {"stackName": STACK, "templateFile": "a.json"}  # type: ignore[index]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as files:
        files.writestr("assembly-dev/manifest.json", json.dumps(manifest))
        files.writestr("assembly-dev/a.json", json.dumps({"Content": content}))
        files.writestr("release.json", "{}")
    return written.getvalue()


class Account:
    """The bucket of the CDK and CloudFormation: letters of commits whose template is the letter in lower case."""

    def __init__(self, history: str, deployed: str | None) -> None:
        self.objects = {}
        times = dict[str, str]()
        for number, (letter, kind) in enumerate(zip(history[::2], history[1::2], strict=True)):
            time = f"2026112{number}T000000Z"
            key = f"cohere/deployments/dev/{time}-{commit(letter)}"
            end = f"rollback-{times[letter]}" if kind == "r" else "deploy"
            self.objects[f"{key}-{end}.zip"] = assembly(letter)
            if kind == "f":
                self.objects[f"{key}-failed.json"] = b"{}"
            times.setdefault(letter, time)
        self.objects["cohere/deployments/dev/notes.txt"] = b""
        self.deployed = deployed
        self.read = list[str]()

    def client(self, _service: str) -> "Account":
        return self

    def get_paginator(self, _name: str) -> "Account":
        return self

    def paginate(self, **_: Any) -> list[Any]:
        return [{"Contents": [{"Key": key} for key in self.objects]}, {}]

    def get_object(self, *, Key: str, **_: Any) -> Any:  # noqa: N803 - boto3's name
        self.read.append(Key)
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_template(self, **_: Any) -> Any:
        return {"TemplateBody": {"Content": self.deployed}}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(history: str, deployed: str | None) -> Deployments:
        account = Account(history, deployed)
        monkeypatch.setattr(Aws, "caller", lambda _: Caller("111122223333", "arn:aws:iam::111122223333:user/u"))
        monkeypatch.setattr(Aws, "stacks_of", lambda *_: [STACK] if deployed else [])
        monkeypatch.setattr(Aws, "in_role", lambda *_: account)
        return Deployments(Aws("us-east-1"), ENVIRONMENT)

    return make


@pytest.mark.parametrize(
    ("history", "deployed", "running", "previous"),
    [
        # Each pair: a commit and whether it was deployed or rolled back to.
        ("adbd", "b", 1, "a"),
        ("adadbd", "b", 2, "a"),
        ("adbdbd", "b", 2, "a"),  # the same templates again: to go back to them changes nothing
        ("zdadbdar", "a", 3, "z"),  # after a rollback from b to a, the way back is not b
        ("zdadbdarcd", "c", 4, "a"),
        ("zdadbdarbd", "b", 4, "a"),
        ("adbfcd", "c", 2, "a"),  # b failed
        ("adbf", "a", 0, "the last deployment (commit bbbb"),
        ("adbd", "a", 0, "the last deployment (commit bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb) did not succeed"),
        ("adbd", "x", None, "what is deployed is none of the recorded assemblies"),
        ("adbd", None, None, "what is deployed is none of the recorded assemblies"),
        ("ad", "a", 0, "no earlier assembly is recorded"),
        ("adbdar", "a", 2, "no earlier assembly is recorded"),
        ("", "a", None, "recorded are, the newest first: none"),
    ],
)
def test_what_runs_and_where_a_rollback_goes(
    given: Any, history: str, deployed: str, running: int | None, previous: str
) -> None:
    found = given(history, deployed)
    assert found.running == (None if running is None else found.recorded[running])
    if len(previous) == 1:
        back = found.previous()
        assert (back.commit, back.kind) == (commit(previous), "deploy")
        return
    with pytest.raises(Failure) as caught:
        found.previous()
    assert previous in caught.value.reason
    assert caught.value.reason.startswith("dev: ")


def test_a_commit_is_named_by_seven_digits_or_more(given: Any) -> None:
    found = given("adbdar", "a")
    assert found.of_commit("aaaaaaa").kind == "rollback"
    for wrong in ("aaaaaa", "ccccccc", ""):
        with pytest.raises(Failure, match=r"recorded are, the newest first: a{40}, b{40}$"):
            found.of_commit(wrong)


def test_what_destroys_an_environment_is_what_runs_or_the_newest(given: Any) -> None:
    assert given("adbd", "a").kept().commit == commit("a")
    assert given("adbd", "x").kept().commit == commit("b")
    with pytest.raises(Failure, match="dev: recorded are, the newest first: none"):
        given("", "x").kept()


@pytest.mark.parametrize("digits", [6, 9, 15])
def test_a_records_time_has_the_digits_that_its_version_wrote(given: Any, digits: int) -> None:
    found, time = given("", "a"), f"20261120T{'1' * digits}Z"
    key = f"cohere/deployments/dev/{time}-{commit('a')}"
    found._s3.objects |= {f"{key}-deploy.zip": assembly("a"), f"{key}-failed.json": b"{}"}
    assert [(one.time, one.failed) for one in found.recorded] == [(time, True)]


def test_an_assembly_is_read_once_and_only_as_far_back_as_needed(given: Any) -> None:
    found = given("adbdcd", "b")
    assert found.running == found.recorded[1]
    assert found.assembly(found.recorded[2]) == assembly("c")
    assert [key[40] for key in found._s3.read] == ["c", "b"]


@pytest.mark.parametrize(
    "content", [b"", b"PK", assembly("b")[:-30], assembly("b").replace(b'{"Content"', b'["Content"')]
)
def test_a_damaged_record_is_never_what_runs_and_cannot_be_written(given: Any, tmp_path: Path, content: bytes) -> None:
    found = given("adbd", "a")
    found._s3.objects[found.recorded[1].key] = content
    assert found.running == found.recorded[0]
    with pytest.raises(Failure, match=r"^dev: the record of 20261121T000000Z is damaged: name another commit"):
        commands.assembly(tmp_path / "out", "dev", commit="bbbbbbb")
    assert list(tmp_path.iterdir()) == []


def test_an_assembly_is_written_whole_or_not_at_all(
    given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given("ad", "a")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(Failure, match=r"File exists: name another folder$"):
        commands.assembly(file / "out", "dev")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "_extract_member", full)
    with pytest.raises(Failure, match=r"^--out .*out: No space left on device: name another folder$"):
        commands.assembly(tmp_path / "out", "dev")
    assert list(tmp_path.iterdir()) == [file]


def test_without_a_bucket_the_error_says_what_to_do(given: Any) -> None:
    found = given("", "a")

    def refuse(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": "no"}}, "ListObjectsV2")

    found._s3.get_paginator = lambda _: found._s3
    found._s3.paginate = refuse
    with pytest.raises(Failure, match=r"NoSuchBucket.*of `cdk bootstrap`; run `make bootstrap ENV=dev` once, or ask"):
        _ = found.recorded


def test_the_commands(given: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given("adbd", "b")
    commands.deployments("dev")
    assert capsys.readouterr().out.splitlines() == [
        f"20261120T000000Z  {commit('a')}  deploy",
        f"20261121T000000Z  {commit('b')}  deploy  runs",
    ]
    commands.deployments("dev", as_json=True)
    assert [one["runs"] for one in json.loads(capsys.readouterr().out)] == [False, True]
    commands.assembly(tmp_path / "out", "dev", previous=True)
    assert json.loads((tmp_path / "out" / "assembly-dev" / "a.json").read_text("utf-8")) == {"Content": "a"}
    written = json.loads((tmp_path / "out" / "release.json").read_text("utf-8"))
    assert written == {"recorded": {"environment": "dev", "time": "20261120T000000Z"}}
    commands.assembly(tmp_path / "gone", "gone", region="us-east-1", commit="aaaaaaa")
    with pytest.raises(Failure, match="exists already: name a new folder"):
        commands.assembly(tmp_path / "out", "dev")
    with pytest.raises(Failure, match="--previous and --commit exclude each other"):
        commands.assembly(tmp_path / "new", "dev", previous=True, commit="aaaaaaa")
    with pytest.raises(Failure, match=r"environments/gone.yaml does not exist: name the region that gone is in: --reg"):
        commands.deployments("gone")
    with pytest.raises(Failure, match="account: '999999999999' is not the account of your credentials"):
        _of_another_account()
    assert not (tmp_path / "new").exists()


def _of_another_account() -> None:
    from stacks import settings

    with pytest.MonkeyPatch.context() as patch:
        other = settings.read("dev").model_copy(update={"account": "999999999999"})
        patch.setattr(settings, "read", lambda _: other)
        commands.deployments("dev")
