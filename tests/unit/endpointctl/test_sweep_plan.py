"""A sweep's values, plan and prompts, and what its command estimates."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from endpointctl.completion import Completion
from endpointctl.failure import Failure
from endpointctl.sweep import command, prompts
from endpointctl.sweep.ranges import numbers
from tests.unit.endpointctl.sweeps import answer, plan


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("100:500:100", [100, 200, 300, 400, 500]),
        ("0:5", [0, 1, 2, 3, 4, 5]),
        ("0,0.5,1", [0, 0.5, 1]),
        ("0:1:0.1", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        ("1:2:0.4", [1, 1.4, 1.8]),
        ("5, 1:2 ,1", [5, 1, 2]),
        ("-1:1", [-1, 0, 1]),
        ("1e2", [100]),
    ],
)
def test_ranges(text: str, values: list[float]) -> None:
    found = numbers("--x", text)
    assert found == values
    assert [type(one) for one in found] == [int if one == int(one) else float for one in values]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no number"),
        ("many", "is no number"),
        ("1:2:3:4", "more than three parts"),
        ("5:1", "never ends"),
        ("1:5:0", "never ends"),
        ("1:5:-1", "never ends"),
        ("nan", "is not finite"),
        ("0:inf", "is not finite"),
        ("0:1:0.00001", "allowed: at most 10000"),
        ("0:6000,7000:12000", "more than 10000 values"),
        ("0:9e999999:1e-9", "is too large or too small"),
        ("1e400", "is too large or too small"),
        ("1e999999999", "is too large or too small"),
        ("-1e30", "is too large or too small"),
        ("0:1e-5000:1e-9999", "is too large or too small"),
    ],
)
def test_ranges_that_are_none(text: str, message: str) -> None:
    with pytest.raises(Failure, match=f"^--x: .*{message}.*allowed:|^--x: .*{message}"):
        numbers("--x", text)


def test_a_product_asks_each_with_each_and_repetitions_last() -> None:
    wanted = plan(repeats=2, seed=7)
    calls = wanted.calls
    assert (len(calls), wanted.count, wanted.most_tokens()) == (24, 24, 2 * 2 * 3 * 300)
    assert [call.number for call in calls] == list(range(24))
    assert calls[0].parameters == {"max_tokens": 100, "temperature": 0, "seed": 7}
    assert calls[-1].parameters == {"max_tokens": 200, "temperature": 1, "seed": 8}
    assert {call.repeat for call in calls[:12]} == {0}
    asked = {(c.prompt, c.repeat, *c.parameters.values()) for c in calls}
    assert len(asked) == 24


def test_a_zip_asks_first_with_first() -> None:
    wanted = plan(mode="zip", parameters={"max_tokens": [1, 2], "k": [3, 4]}, fixed={"num_generations": 3})
    assert [call.parameters for call in wanted.calls[:2]] == [{"max_tokens": 1, "k": 3}, {"max_tokens": 2, "k": 4}]
    assert (wanted.count, wanted.most_tokens()) == (4, 18)
    assert wanted.fields(wanted.calls[0]) == {"num_generations": 3, "max_tokens": 1, "k": 3}
    assert plan(parameters={}).count == 2
    assert plan(parameters={"k": [1]}).most_tokens() is None


def test_the_estimate_is_of_each_calls_own_values() -> None:
    grid = plan(parameters={"max_tokens": [100, 10], "num_generations": [1, 5]}, prompts={"a": "A"})
    assert grid.most_tokens() == 100 + 500 + 10 + 50
    assert grid.most_tokens(grid.calls[1:2]) == 500
    assert grid.most_tokens([]) == 0
    fixed = plan(parameters={"num_generations": [2, 3]}, prompts={"a": "A"}, fixed={"max_tokens": 10})
    assert fixed.most_tokens() == 50
    paired = plan(mode="zip", parameters={"max_tokens": [100, 10], "num_generations": [1, 5]}, prompts={"a": "A"})
    assert paired.most_tokens() == 150


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "zip"}, "--zip: .*max_tokens 2, temperature 3"),
        ({"repeats": 0}, "--repeats: 0 is too few"),
        ({"repeats": 100_000}, "allowed: at most 100000"),
    ],
)
def test_plans_that_are_none(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure, match=message):
        plan(**changes)


def test_the_id_is_of_all_that_is_asked() -> None:
    ids = {plan(**changes).id for changes in ({}, {"seed": 1}, {"prompts": {"a": "A", "b": "C"}}, {"repeats": 2})}
    assert len(ids) == 4
    assert plan().id == plan().id


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("p.txt", "one\n\ntwo\n", {"1": "one", "2": "two"}),
        ("p.csv", 'id,prompt\nx,"one, two"\n,three\n', {"x": "one, two", "2": "three"}),
        ("p.jsonl", '{"prompt": "a\\nb"}\n{"id": "y", "prompt": "c"}\n', {"1": "a\nb", "y": "c"}),
        ("p.txt", "one\r\ntwo\n", {"1": "one", "2": "two"}),
        ("p.txt", "a\u2028b\u0085c\x0bd\x1ce\n", {"1": "a\u2028b\u0085c\x0bd\x1ce"}),
        ("p.jsonl", '{"prompt": "a\u2028b\u0085c"}\r\n', {"1": "a\u2028b\u0085c"}),
        ("p.jsonl", '{"prompt": "a\\ud800"}\n', {"1": "a\ufffd"}),
        ("p.csv", 'prompt,id\n"a\n\nb\u2028c",x\r\n"d ""e""\r\nf",y\n', {"x": "a\n\nb\u2028c", "y": 'd "e"\r\nf'}),
        ("p.CSV", "prompt\n" + "a" * 200_000 + "\n", {"1": "a" * 200_000}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_of_prompts(tmp_path: Path, name: str, content: str, found: dict[str, str], encoding: str) -> None:
    (tmp_path / name).write_bytes(content.encode(encoding))
    assert prompts.read(tmp_path / name) == found


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.txt", "\n \n", "holds no prompt"),
        ("p.csv", "id,text\n1,a\n", "has no column 'prompt'; it has: id, text"),
        ("p.csv", "", "has no column 'prompt'; it has: none"),
        ("p.csv", "prompt,id\na,1\n,2\n", "row 2 has no prompt"),
        ("p.jsonl", '{"prompt": 1}\n', "row 1 has no prompt"),
        ("p.jsonl", "[]\n", "row 1 is no JSON object"),
        ("p.jsonl", "[" * 100_000, "row 1 is no JSON object"),
        ("p.jsonl", '{"id": 1, "prompt": "a"}\n{"id": "1", "prompt": "b"}\n', "the id '1' stands twice"),
        ("p.txt", b"\xff", "give a file of UTF-8 text"),
    ],
)
@pytest.mark.usefixtures("deep_nesting")
def test_files_that_hold_no_prompts(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Failure, match=message):
        prompts.read(tmp_path / name)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests of a client that answers at once."""
    requests: list[Any] = []

    class Client:
        def generate(self, prompt: str, **fields: Any) -> Completion:
            requests.append((prompt, fields))
            return answer(prompt, **fields)

    monkeypatch.setattr(command, "_client", lambda *_, **__: Client())
    return requests


def test_the_command(tmp_path: Path, requests: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.jsonl"
    wanted: dict[str, Any] = {"prompt": "p", "env": "local", "max_tokens": "100:500:100", "temperature": "0:5:1"}
    command.sweep(path, **wanted, dry_run=True)
    assert not path.exists()
    assert requests == []
    printed = capsys.readouterr().out
    assert "30 calls: max_tokens 5 x temperature 6" in printed
    assert "at most 9000 tokens" in printed
    assert "1 ml.g5.xlarge cost about 0.04 USD" in printed
    command.sweep(path, **wanted, yes=True)
    combinations = set(itertools.product(range(100, 600, 100), range(6)))
    assert {(fields["max_tokens"], fields["temperature"]) for _, fields in requests} == combinations
    assert all(fields["return_likelihoods"] == "GENERATION" for _, fields in requests)
    assert "30 of 30 calls are answered, 0 failed" in capsys.readouterr().out
    command.sweep(path, **wanted)
    assert "all 30 calls are answered" in capsys.readouterr().out
    assert len(requests) == 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one of them"),
        ({"prompt": "p", "prompts": Path("x")}, "give one of them"),
        ({"prompt": " "}, "--prompt: is empty"),
        ({"prompt": "p", "temperature": "5:0"}, "--temperature: '5:0' never ends"),
    ],
)
def test_a_command_that_is_wrong(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure, match=message):
        command.sweep(tmp_path / "r.jsonl", **options, env="local", yes=True)
    assert json.dumps([str(path) for path in tmp_path.iterdir()]) == "[]"


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("way", ["same", "symlink", "hard link"])
def test_the_results_are_never_the_prompts(tmp_path: Path, requests: list[Any], way: str, dry_run: bool) -> None:
    path, out = tmp_path / "prompts.txt", tmp_path / "out.jsonl"
    path.write_text("one", "utf-8")
    if way == "same":
        out = path
    elif way == "symlink":
        out.symlink_to(path)
    else:
        out.hardlink_to(path)
    with pytest.raises(Failure, match="--prompts"):
        command.sweep(out, prompts=path, env="local", yes=True, dry_run=dry_run)
    assert (path.read_text("utf-8"), requests) == ("one", [])


def test_a_varied_number_of_generations_is_estimated(
    tmp_path: Path, requests: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command.sweep(tmp_path / "r.jsonl", prompt="p", env="local", max_tokens="100", num_generations="5", dry_run=True)
    assert "at most 500 tokens" in capsys.readouterr().out
