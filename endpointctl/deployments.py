"""What was deployed to an environment: the assemblies that ``deploy.mjs`` records in the bucket of ``cdk bootstrap``.

A record says that a deployment began. What an environment runs is the newest recorded assembly whose templates are
those that CloudFormation has: a deployment that failed, or that nobody approved, is never taken for the running one.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Final, Literal, TypeAlias

import boto3

from endpointctl.aws import Aws, as_failure
from endpointctl.failure import Failure
from stacks.names import PROJECT

QUALIFIER: Final = "hnb659fds"
"""The qualifier of ``cdk bootstrap``: the CDK's default, which cdk.json does not change."""

_KEY: Final = re.compile(r".*/(?P<time>\d{8}T\d{6}Z)-(?P<commit>[0-9a-z-]+)-(?P<kind>deploy|rollback)\.zip")

Templates: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = Literal["deploy", "rollback"]


@dataclass(frozen=True)
class Deployment:
    """One recorded deployment.

    Attributes:
        key: the object with the assembly.
        time: when it began, e.g. ``20261125T102613Z``, in UTC.
        commit: the commit of the assembly; ``-dirty`` at the end when files differed from it.
        kind: ``deploy`` or ``rollback``.

    """

    key: str
    time: str
    commit: str
    kind: str


class Deployments:
    """The recorded deployments of one environment, in one region of the caller's account.

    Args:
        aws: the caller's session.
        environment: its name; its file may be gone.

    Raises:
        Failure: there are no credentials, or AWS denies access.

    """

    def __init__(self, aws: Aws, environment: str) -> None:
        self._aws, self._environment = aws, environment
        self._caller = aws.caller()
        self._bucket = f"cdk-{QUALIFIER}-assets-{self._caller.account}-{aws.region}"
        self._assemblies: dict[str, bytes] = {}

    @cached_property
    def recorded(self) -> list[Deployment]:
        """Return all of them, the oldest first.

        Raises:
            Failure: the account is not bootstrapped, or AWS denies access.

        """
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{PROJECT}/deployments/{self._environment}/"
        )
        try:
            with as_failure():
                keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        except Failure as failure:
            raise Failure(
                f"{failure}: the deployments are recorded in the bucket {self._bucket} of `cdk bootstrap`; "
                f"run `make bootstrap ENV={self._environment}` once"
            ) from None
        return [Deployment(key, **match.groupdict()) for key in sorted(keys) if (match := _KEY.fullmatch(key))]

    @cached_property
    def running(self) -> Deployment | None:
        """Return the newest deployment whose templates are deployed; None when none is.

        Raises:
            Failure: AWS denies access.

        """
        return next((one for one in reversed(self.recorded) if self._is_deployed(one)), None)

    def previous(self) -> Deployment:
        """Return what a rollback deploys: what ran before the running one, and differs from it.

        Raises:
            Failure: what runs is not known, the last deployment failed, or there is nothing to go back to.

        """
        running, name = self._known_running(), self._environment
        if running.key != self.recorded[-1].key:
            raise Failure(
                f"{name}: the last deployment (commit {self.recorded[-1].commit}) did not succeed, and {name} runs "
                f"commit {running.commit} already; to go further back, name a commit: {self._commits()}"
            )
        before = self.recorded[: self.recorded.index(running)]
        if running.kind == "rollback":  # what it undid is not the way back
            first = next(one for one in self.recorded if one.commit == running.commit)
            before = self.recorded[: self.recorded.index(first)]
        older = (one for one in reversed(before) if one.kind == "deploy" and not self._is_deployed(one))
        found = next(older, None)
        if found is None:
            raise Failure(f"{name}: no earlier assembly is recorded: revert the commit and deploy again")
        return found

    def of_commit(self, commit: str) -> Deployment:
        """Return the newest deployment of a commit, given by at least its first 7 digits.

        Raises:
            Failure: there is none.

        """
        found = [one for one in self.recorded if len(commit) >= 7 and one.commit.startswith(commit)]
        if not found:
            raise Failure(f"{self._environment}: no deployment of the commit {commit!r} is recorded: {self._commits()}")
        return found[-1]

    def kept(self) -> Deployment:
        """Return the assembly that can destroy what is deployed: the running one, else the newest.

        Raises:
            Failure: none is recorded.

        """
        if not self.recorded:
            raise Failure(f"{self._environment}: {self._commits()}")
        return self.running or self.recorded[-1]

    def assembly(self, deployment: Deployment) -> bytes:
        """Return a deployment's assembly, a zip file.

        Raises:
            Failure: it is gone, or AWS denies access.

        """
        if deployment.key not in self._assemblies:
            with as_failure():
                found = self._s3.get_object(Bucket=self._bucket, Key=deployment.key)["Body"].read()
            self._assemblies[deployment.key] = found
        return self._assemblies[deployment.key]

    def _known_running(self) -> Deployment:
        if self.running is None:
            raise Failure(
                f"{self._environment}: what is deployed is none of the recorded assemblies (a deployment of one stack, "
                f"or one that failed half-way): name a commit: {self._commits()}"
            )
        return self.running

    def _commits(self) -> str:
        commits = dict.fromkeys(one.commit for one in reversed(self.recorded))
        return f"recorded are, the newest first: {', '.join(commits) or 'none'}"

    def _is_deployed(self, deployment: Deployment) -> bool:
        return dict(_templates(self.assembly(deployment), self._environment)) == self._deployed

    @cached_property
    def _deployed(self) -> Templates:
        names = self._aws.stacks_of(self._environment)
        with as_failure():
            client = self._session_of("lookup").client("cloudformation")
            return {name: client.get_template(StackName=name)["TemplateBody"] for name in names}

    @cached_property
    def _s3(self) -> Any:  # noqa: ANN401 - a client without types
        return self._session_of("file-publishing").client("s3")

    def _session_of(self, role: str) -> Any:  # noqa: ANN401 - a session without types
        """Return a session of one of the CDK's roles, as the CDK CLI does; the caller's own where it is denied."""
        account, region = self._caller.account, self._aws.region
        partition = self._caller.arn.split(":")[1]
        arn = f"arn:{partition}:iam::{account}:role/cdk-{QUALIFIER}-{role}-role-{account}-{region}"
        sts = self._aws.client("sts")
        try:
            with as_failure():
                found = sts.assume_role(RoleArn=arn, RoleSessionName="endpointctl")["Credentials"]
        except Failure:
            return self._aws
        keys = found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        return boto3.Session(*keys, region_name=region)


def _templates(assembly: bytes, environment: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the template of each stack that an environment has in an assembly."""
    with zipfile.ZipFile(io.BytesIO(assembly)) as files:
        folder = PurePosixPath(f"assembly-{environment}")
        manifest = json.loads(files.read(str(folder / "manifest.json")))
        for artifact in manifest["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                properties = artifact["properties"]
                yield properties["stackName"], json.loads(files.read(str(folder / properties["templateFile"])))
