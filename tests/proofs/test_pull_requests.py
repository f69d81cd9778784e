"""The pull request's workflow, unchanged, executed on this machine: what is rejected, accepted, and told."""

import subprocess
from typing import Any

import yaml

from tests.support.cloud import Stacks
from tests.support.pipelines import FILE, REPOSITORY, Pipelines, files, steps


def pull_request(team: Pipelines, base: str, *labels: str, of: str = REPOSITORY) -> subprocess.CompletedProcess[str]:
    content: dict[str, Any] = {
        "number": 7,
        "base": {"sha": base},
        "head": {"repo": {"full_name": of}},
        "labels": [{"name": label} for label in labels],
    }
    return team.run("pull-request", "pull_request", {"pull_request": content}, job="changes")


def test_a_pull_request_that_loses_something_is_rejected_until_a_label_accepts_it(team: Pipelines) -> None:
    base = team.git("rev-parse", "HEAD")
    team.commit("renamed", files(FILE.replace("name: cohere-local", "name: cohere-local-new")))
    rejected = pull_request(team, base)
    assert rejected.returncode, rejected.stdout
    assert steps(rejected.stdout)[-1] == "pull request comment ok", rejected.stdout
    (comment,) = team.github["comments"]
    assert "This would be lost, unless the label `accept-loss` accepts it" in comment["body"]
    assert "dev/endpoint: Endpoint8024A810 would be replaced" in comment["body"]
    assert "### What it would cost\n\nUSD a month: no difference" in comment["body"]
    accepted = pull_request(team, base, "accept-loss")
    assert accepted.returncode == 0, accepted.stdout
    (comment,) = team.github["comments"]
    assert "This would be lost, and was accepted" in comment["body"]
    team.commit("not renamed", files())


def test_a_fork_gets_no_token_and_no_comment_and_a_removed_environment_fails(team: Pipelines) -> None:
    Stacks("prod").deploy(yaml.safe_load(files()["environments/prod.yaml"]))
    base = team.git("rev-parse", "HEAD")
    team.commit("prod is gone", {"environments/prod.yaml": None})
    fork = pull_request(team, base, "accept-loss", of="stranger/cohere")
    assert fork.returncode
    assert "prod: its file is gone, and whether it is still deployed is not known (no AWS credentials" in fork.stdout
    assert "Main make comment" not in fork.stdout
    ours = pull_request(team, base, "accept-loss")
    assert ours.returncode
    assert "prod: its file is gone, but cohere-prod-endpoint and cohere-prod-proxy still exist" in ours.stdout
    team.commit("prod is back", files())
