"""What was deployed to an environment: the assemblies that ``deploy.mjs`` records in the bucket of ``cdk bootstrap``.

A record says that a deployment began. What an environment runs is the newest recorded assembly whose templates are
those that CloudFormation has: a deployment that failed, or that nobody approved, is never taken for the running one.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from endpointctl.aws import Aws, qualifier
from endpointctl.aws_failure import as_failure
from endpointctl.failure import Failure
from stacks.names import PROJECT

_KEY: Final = re.compile(
    r".*/(?P<time>\d{8}T\d{6,15}Z)-(?P<commit>[0-9a-z-]+?)-(?P<kind>deploy|rollback)(-(?P<to>\d{8}T\d{6,15}Z))?\.zip"
)
_FAILED: Final = "-failed.json"

Templates: TypeAlias = Mapping[str, Any]

DAMAGED: Final = (zipfile.BadZipFile, zlib.error, LookupError, ValueError)
"""What reading half of a recorded assembly raises."""


@dataclass(frozen=True)
class Deployment:
    """One recorded deployment.

    Attributes:
        key: the object with the assembly.
        time: when it began, e.g. ``20261125T102613250417302Z``, in UTC; the last six digits are random, so that two
            deployments of one millisecond differ.
        commit: the commit of the assembly; ``-dirty`` at the end when files differed from it.
        kind: ``deploy`` or ``rollback``.
        to: of a rollback, the time of the deployment that it returned to.
        failed: whether it is known to have failed, or was not approved.

    """

    key: str
    time: str
    commit: str
    kind: str
    to: str | None = None
    failed: bool = False


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
        self._bucket = f"cdk-{qualifier()}-assets-{self._caller.account}-{aws.region}"
        self._assemblies: dict[str, bytes] = {}

    @cached_property
    def recorded(self) -> list[Deployment]:
        """Return all of them, the oldest first.

        Raises:
            Failure: the account is not bootstrapped, or AWS denies access.

        """
        prefix = f"{PROJECT}/deployments/{self._environment}/"
        with as_failure():
            try:
                pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
                keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
            except ClientError as error:
                code = error.response["Error"].get("Code")
                if code not in ("NoSuchBucket", "AccessDenied"):
                    raise
                raise Failure(
                    f"AWS refused: {code}: the deployments are recorded in the bucket {self._bucket} of "
                    f"`cdk bootstrap`; run `make bootstrap ENV={self._environment}` once, or ask for access to it"
                ) from None
        failed = {key.removeprefix(prefix).removesuffix(_FAILED) for key in keys if key.endswith(_FAILED)}
        found = [(key, match.groupdict()) for key in sorted(keys) if (match := _KEY.fullmatch(key))]
        return [Deployment(key, **one, failed=f"{one['time']}-{one['commit']}" in failed) for key, one in found]

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
        older = (one for one in reversed(self._way_back()) if not self._is_deployed(one))
        found = next(older, None)
        if found is None:
            raise Failure(f"{name}: no earlier assembly is recorded: revert the commit and deploy again")
        return found

    def _way_back(self) -> list[Deployment]:
        """Return what ran, the oldest first, without what failed or was rolled back."""
        ran = list[Deployment]()
        for one in self.recorded:
            if one.failed:
                continue
            if one.to in [earlier.time for earlier in ran]:
                while ran[-1].time != one.to:
                    ran.pop()
            else:
                ran.append(one)
        return ran

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
        try:
            return dict(_templates(self.assembly(deployment), self._environment)) == self._deployed
        except DAMAGED:  # nobody can return to it
            return False

    @cached_property
    def _deployed(self) -> Templates:
        names = self._aws.stacks_of(self._environment)
        with as_failure():
            client = self._aws.in_role("lookup").client("cloudformation")
            return {name: client.get_template(StackName=name)["TemplateBody"] for name in names}

    @cached_property
    def _s3(self) -> Any:  # noqa: ANN401 - a client without types
        return self._aws.in_role("file-publishing").client("s3")


def _templates(assembly: bytes, environment: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the template of each stack that an environment has in an assembly."""
    with zipfile.ZipFile(io.BytesIO(assembly)) as files:
        folder = PurePosixPath(f"assembly-{environment}")
        manifest = json.loads(files.read(str(folder / "manifest.json")))
        for artifact in manifest["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                properties = artifact["properties"]
                yield properties["stackName"], json.loads(files.read(str(folder / properties["templateFile"])))
