"""The workflow files, unchanged, executed on this machine by act against a local cloud."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from local_aws.runner.cloud import ACCOUNT, REGION, Cloud
from stacks.settings import ENVIRONMENTS
from tests.support.templates import ROOT

ACT = ROOT / ".venv" / "bin" / "act"
ACTIONS = ROOT / "tests" / "support" / "actions"
REPOSITORY = "acme/cohere"
_USED = re.compile(r"uses: (?P<name>[\w.-]+/(?P<last>[\w.-]+))@(?P<commit>[0-9a-f]{40})")


FILE = (ENVIRONMENTS / "local.yaml").read_text("utf-8")
"""The file of the team's environments, with another name in each."""
NAMES = ("dev", "prod")


def files(text: str = FILE) -> dict[str, str]:
    """Return the files of the environments ``dev`` and ``prod``."""
    return {f"environments/{name}.yaml": text.replace("cohere-local", f"cohere-{name}") for name in NAMES}


def steps(log: str) -> list[str]:
    """Return the make targets that were run, with their job and result, e.g. ``dev deploy ok``."""
    found = []
    for line in log.splitlines():
        job, _, rest = line.partition("] ")
        if " Main make " in rest and ("✅" in rest or "❌" in rest):
            target = rest.partition(" Main make ")[2].split()[0]
            found.append(f"{job[1:].partition('/')[0]} {target} {'ok' if '✅' in rest else 'failed'}")
    return found


@dataclass(frozen=True)
class Pipelines:
    """A repository of a team that uses this project, and its workflows.

    Attributes:
        cloud: where they deploy.
        folder: an empty folder for the repository, its artifacts, and GitHub's comments and issues.
        variables: further variables of the jobs.

    """

    cloud: Cloud
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def github(self) -> dict[str, Any]:
        """Return the comments and issues."""
        path = self.folder / "github.json"
        empty: dict[str, Any] = {"comments": [], "issues": []}
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else empty

    def create(self, environments: Mapping[str, str]) -> None:
        """Copy this checkout's files into a repository with these environment files, and commit them."""
        ignored = (ROOT / ".gitignore").read_text("utf-8").replace("/\n", "\n").split()
        shutil.copytree(ROOT, self.repository, ignore=shutil.ignore_patterns(".git", *ignored))
        for path in (self.repository / "environments").glob("*.yaml"):
            path.unlink()
        (self.folder / "artifacts").mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", f"https://github.com/{REPOSITORY}.git")
        self.commit("base", environments)

    def make_roles(self) -> None:
        """Deploy the pipelines' roles, as an administrator does."""
        out = self.folder / "access"
        context = json.loads((self.repository / "cdk.json").read_text("utf-8"))["context"]
        variables = {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps({**context, "repository": REPOSITORY})}
        command = [sys.executable, "-m", "pipeline_access.app"]
        subprocess.run(command, cwd=self.repository, env={**os.environ, **variables}, check=True, capture_output=True)
        (template,) = out.glob("*.template.json")
        cloudformation = boto3.client("cloudformation")
        text = template.read_text("utf-8")
        cloudformation.create_stack(StackName="access", TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"])
        cloudformation.get_waiter("stack_create_complete").wait(StackName="access", WaiterConfig={"Delay": 1})

    def commit(self, message: str, files: Mapping[str, str | None]) -> str:
        """Write files, or remove those without a text; commit all; return the commit."""
        for name, text in files.items():
            path = self.repository / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, "utf-8")
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.repository), "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def run(
        self, workflow: str, event: str, payload: dict[str, Any] | None = None, *, job: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a workflow and return its exit code and log.

        Args:
            workflow: the file's name without its end.
            event: e.g. ``push``.
            payload: GitHub's payload of the event.
            job: only this job and what it needs; default all.

        """
        event_file = self.folder / "event.json"
        content = {"repository": {"default_branch": "main", "full_name": REPOSITORY}, **(payload or {})}
        event_file.write_text(json.dumps(content), "utf-8")
        command = [str(ACT), event, "-W", f".github/workflows/{workflow}.yml", "-e", str(event_file)]
        command += ["-P", "ubuntu-latest=-self-hosted", "--pull=false", "--action-offline-mode", "--no-cache-server"]
        command += ["--artifact-server-addr", "127.0.0.1", "--env-file", "/dev/null", "--concurrent-jobs", "1"]
        command += ["--action-cache-path", str(self.folder / "act"), "--actor", "somebody"]
        command += ["--var", f"AWS_ACCOUNT_ID={ACCOUNT}", "--var", f"AWS_REGION={REGION}"]
        command += [f"--local-repository={name}={folder}" for name, folder in self._stand_ins().items()]
        command += ["--job", job] if job else []
        for name, value in self._variables().items():
            command += ["--env", f"{name}={value}"]
        environment = {
            name: value
            for name, value in os.environ.items()
            # `make proofs ARGS=…` is not meant for the make of the pipelines.
            if name != "ARGS" and not name.startswith(("AWS_", "MAKE", "MFLAGS"))
        }
        environment |= {"PATH": f"{ACTIONS}:{environment['PATH']}", "XDG_CONFIG_HOME": str(self.folder)}
        return subprocess.run(
            command,
            cwd=self.repository,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _variables(self) -> dict[str, str]:
        """Return a job's variables: the local cloud without its user's keys, and the stand-ins' places."""
        cloud = {name: value for name, value in self.cloud.variables().items() if "_KEY" not in name}
        return {
            **cloud,
            "CHECKOUT": str(ROOT),
            "REPOSITORY": str(self.repository),
            "ARTIFACTS": str(self.folder / "artifacts"),
            "GITHUB_KEPT_IN": str(self.folder / "github.json"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **self.variables,
        }

    def _stand_ins(self) -> dict[str, Path]:
        """Return the folder of each action that any workflow uses, by its name and commit."""
        files = (self.repository / ".github" / "workflows").glob("*.yml")
        used = {match for file in files for match in _USED.findall(file.read_text("utf-8"))}
        return {f"{name}@{commit}": ACTIONS / last for name, last, commit in used if (ACTIONS / last).is_dir()}
