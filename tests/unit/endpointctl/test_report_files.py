"""What the report writes: never over its input or a file that exists, never half a file, never a formula."""

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from endpointctl import files
from endpointctl.failure import Failure
from endpointctl.report.command import report
from endpointctl.report.table import table
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import Result
from tests.unit.endpointctl.test_report import error, generation, result, written

PLAN = Plan("dev", {"max_tokens": [3, 9]}, {"1": "p"})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return written(tmp_path / "run.jsonl", PLAN, [result(0, generation("a b"), max_tokens=3)])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("option", ["out", "table"])
@pytest.mark.parametrize("way", ["same", "relative", "symlink", "hard link"])
def test_the_input_is_never_written(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch, option: str, way: str, force: bool
) -> None:
    target = tmp_path / "alias"
    if way == "same":
        target = results
    elif way == "relative":
        monkeypatch.chdir(tmp_path)
        target = Path("..", tmp_path.name, results.name)
    elif way == "symlink":
        target.symlink_to(results)
    else:
        target.hardlink_to(results)
    before = content(tmp_path)
    with pytest.raises(Failure):
        report(results, **{option: target}, force=force)  # type: ignore[arg-type]
    assert content(tmp_path) == before


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("suffix", [".csv", ".html"])
def test_a_default_target_is_never_the_input(tmp_path: Path, results: Path, suffix: str, force: bool) -> None:
    renamed = results.rename(results.with_suffix(suffix))
    before = content(tmp_path)
    with pytest.raises(Failure):
        report(renamed, force=force)
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["run.csv", "run.html"])
def test_a_neighbour_is_kept_and_nothing_else_is_written(tmp_path: Path, results: Path, name: str) -> None:
    (tmp_path / name).write_text("id,prompt\n", "utf-8")
    before = content(tmp_path)
    with pytest.raises(Failure, match="--force"):
        report(results)
    assert content(tmp_path) == before
    report(results, force=True)
    assert content(tmp_path)[name] != before[name]


@pytest.mark.parametrize("force", [False, True])
def test_both_targets_differ(tmp_path: Path, results: Path, force: bool) -> None:
    before = content(tmp_path)
    with pytest.raises(Failure):
        report(results, out=tmp_path / "one", table=tmp_path / "." / "one", force=force)
    assert content(tmp_path) == before


@pytest.mark.parametrize("target", ["/dev/null", "."])
def test_only_regular_files_are_replaced(results: Path, target: str) -> None:
    with pytest.raises(Failure, match="regular file"):
        report(results, table=Path(target), force=True)


def test_a_link_to_nowhere_exists(tmp_path: Path, results: Path) -> None:
    (tmp_path / "run.csv").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Failure, match="--force"):
        report(results)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write_new = tmp_path / "one", files._write_new

    def slow(temporary: Path, text: bytes) -> None:
        write_new(temporary, text)
        path.write_text("theirs", "utf-8")

    monkeypatch.setattr(files, "_write_new", slow)
    with pytest.raises(Failure, match="has appeared"):
        files.write({path: "ours"}, force=False)
    assert content(tmp_path) == {"one": b"theirs"}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("links", [False, True])
def test_no_half_file_is_ever_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool, links: bool) -> None:
    """The disk is full at the second file: neither exists, and nothing is left behind."""
    synced: list[int] = []
    fsync, write_new = os.fsync, files._write_new

    def record(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    def full(temporary: Path, text: bytes) -> None:
        write_new(temporary, text)
        if len(text) > 3:
            raise OSError(28, "No space left on device")

    def no_links(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "fsync", record)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)
    files.write({tmp_path / "one": "abc", tmp_path / "two": "de"}, force=force)
    assert content(tmp_path) == {"one": b"abc", "two": b"de"}
    assert synced == [3, 2], "each is on the disk before it has its name"
    monkeypatch.setattr(files, "_write_new", full)
    with pytest.raises(Failure, match="No space left"):
        files.write({tmp_path / "three": "abc", tmp_path / "four": "long text"}, force=force)
    assert content(tmp_path) == {"one": b"abc", "two": b"de"}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("a=1", "a=1"),
        (" =1", " =1"),
        ("'=1", "'=1"),
        ("", ""),
    ],
)
def test_no_text_becomes_a_formula(text: str, cell: str) -> None:
    one = generation(text, (-0.5,))
    failed = Result(**{**vars(error(1, max_tokens=9)), "message": text, "prompt": text})
    first, second = csv.DictReader(table(PLAN, [result(0, one, max_tokens=3), failed]).splitlines(keepends=True))
    assert (first["text"], second["message"], second["prompt"]) == (cell, cell, cell)
    assert float(first["likelihood"]) == -0.5, "a number stays one"


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_is_no_results_file(folder: str) -> None:
    with pytest.raises(Failure, match="is a folder: name a results file"):
        report(Path(folder))
