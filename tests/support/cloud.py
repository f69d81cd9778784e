"""A deployed local cloud, environments given to its CloudFormation as templates, and callers that keep sending."""

import contextlib
import hashlib
import io
import json
import os
import re
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.failure import Failure
from local_aws import invocation_log
from local_aws.invocation_log import Invocation
from local_aws.runner.cloud import REGION, Cloud
from local_aws.runner.journey import CDK, Journey, run
from tests.support.templates import ROOT, Content, Templates, copy_of_the_app, templates_of

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient

ANSWERED = "answered"
ORIGINAL = "_original_handler"
_CODE = re.compile(r"[0-9a-f]{64}(?=\.zip)")
_VERSION = re.compile(r"(ProxyFunctionCurrentVersion[0-9A-F]{8})[0-9a-f]{32}")


@dataclass(frozen=True)
class Deployed:
    """The deployed environment ``local`` and the clients for it.

    Attributes:
        cloud: the local cloud.
        journey: the CLI's steps on it.
        proxy: a client of the proxy, which sends a request once.

    """

    cloud: Cloud
    journey: Journey
    proxy: Client

    @property
    def sagemaker(self) -> "SageMakerClient":
        return boto3.client("sagemaker")

    @property
    def runtime(self) -> "SageMakerRuntimeClient":
        return boto3.client("sagemaker-runtime")

    @property
    def cloudformation(self) -> "CloudFormationClient":
        return boto3.client("cloudformation")

    @property
    def invocations(self) -> list[Invocation]:
        """Return the requests that reached a container of this cloud, in their order."""
        return invocation_log.read(self.cloud.folder / invocation_log.FILE)

    def cdk(self, *arguments: str, files: Mapping[str, str] | None = None, folder: Any = None) -> str:
        """Run the CDK CLI in a copy of the app with other files, e.g. ``environments/local.yaml``."""
        root = copy_of_the_app(folder) if folder and not folder.exists() else folder or ROOT
        for name, text in (files or {}).items():
            (root / name).write_text(text, "utf-8")
        environment = {**self.cloud.environment(), "PYTHONDONTWRITEBYTECODE": "1", "CDK_VALIDATION": "false"}
        return run([str(CDK), *arguments, "--ci"], environment, folder=root)


class StackFailed(Exception):
    """A stack operation failed; the text has the reasons of its events."""


class Stacks:
    """The stacks of one environment, given to CloudFormation as templates: the CLI would take ten seconds each time.

    Args:
        environment: the environment's name.
        region: its region.

    """

    def __init__(self, environment: str, region: str = REGION) -> None:
        self.environment = environment
        self._region = region
        self._cloudformation: Any = boto3.client("cloudformation", region_name=region)

    def deploy(self, content: Content, *stacks: str, files: Mapping[str, str] | None = None) -> Templates:
        """Deploy stacks, in this order; default the endpoint's and then the proxy's. Return the templates.

        Args:
            content: the environment's file.
            stacks: ``endpoint``, ``proxy``.
            files: other files in the proxy's source, e.g. ``proxy/handler.py``; a former file is there too, e.g. as
                ``proxy/_original_handler.py``.

        Raises:
            StackFailed: CloudFormation rolled back.

        """
        templates = templates_of(content, self.environment)
        if files:
            templates["proxy"] = self._with_files(templates["proxy"], files)
        self.give(templates, *stacks)
        return templates

    def give(self, templates: Templates, *stacks: str) -> None:
        """Give templates to CloudFormation, in this order; default the endpoint's and then the proxy's.

        Raises:
            StackFailed: CloudFormation rolled back.

        """
        for stack in stacks or tuple(name for name in ("endpoint", "proxy") if name in templates):
            self._deploy(stack, templates[stack])

    def name(self, stack: str) -> str:
        return f"cohere-{self.environment}-{stack}"

    def status(self, stack: str) -> str:
        """Return a stack's status; empty when there is none."""
        try:
            return str(self._cloudformation.describe_stacks(StackName=self.name(stack))["Stacks"][0]["StackStatus"])
        except ClientError:
            return ""

    def destroy(self, *stacks: str) -> None:
        for stack in stacks or ("proxy", "endpoint"):
            if self.status(stack):
                found = self._cloudformation.describe_stacks(StackName=self.name(stack))["Stacks"][0]
                role = {"RoleARN": self._role} if "RoleARN" in found else {}
                self._cloudformation.delete_stack(StackName=self.name(stack), **role)
                self._settled(stack)

    @property
    def _role(self) -> str:
        """Return the role that the CDK's CLI gives CloudFormation."""
        return f"arn:aws:iam::111122223333:role/cdk-hnb659fds-cfn-exec-role-111122223333-{self._region}"

    def parameter(self, key: str) -> str:
        """Return one of the SSM parameters for other teams."""
        name = f"/cohere/{self.environment}/{key}"
        return str(boto3.client("ssm", region_name=self._region).get_parameter(Name=name)["Parameter"]["Value"])

    def client(self, **options: Any) -> Client:
        """Return a client of the proxy."""
        return Client(
            self.parameter("generate-url"), Aws(self._region).credentials(), self._region, **{"attempts": 1, **options}
        )

    def begin(self, stack: str, template: dict[str, Any]) -> None:
        """Give a template to CloudFormation, and do not wait. Parameters keep their values, as under the CDK's CLI."""
        request: Any = {
            "StackName": self.name(stack),
            "TemplateURL": self._published(f"{self.name(stack)}.json", json.dumps(template).encode()),
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        if "Awake" in template.get("Parameters", {}):
            request["RoleARN"] = self._role  # else it would be the switch's, which the stack keeps
        exists = self.status(stack) not in ("", "ROLLBACK_COMPLETE")
        if self.status(stack) == "ROLLBACK_COMPLETE":
            self.destroy(stack)
        if exists:
            deployed = self._cloudformation.describe_stacks(StackName=self.name(stack))["Stacks"][0]
            known = {one["ParameterKey"] for one in deployed.get("Parameters", [])} & set(
                template.get("Parameters", {})
            )
            request["Parameters"] = [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(known)]
        try:
            (self._cloudformation.update_stack if exists else self._cloudformation.create_stack)(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise

    def _deploy(self, stack: str, template: dict[str, Any]) -> None:
        self.begin(stack, template)
        status = self._settled(stack)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = self._cloudformation.describe_stack_events(StackName=self.name(stack))["StackEvents"]
            raise StackFailed("\n".join(str(event.get("ResourceStatusReason", "")) for event in events))

    def _published(self, key: str, content: bytes) -> str:
        """Put a file into the bootstrap bucket, as the CLI does, and return its URL: a template may be long."""
        bucket = f"cdk-hnb659fds-assets-111122223333-{self._region}"
        boto3.client("s3", region_name=self._region).put_object(Bucket=bucket, Key=key, Body=content)
        return f"https://s3.{self._region}.amazonaws.com/{bucket}/{key}"

    def _settled(self, stack: str) -> str:
        until = time.monotonic() + 120
        while (status := self.status(stack)).endswith("IN_PROGRESS"):
            assert time.monotonic() < until, f"{self.name(stack)} stays {status}"
            time.sleep(0.1)
        return status

    def _with_files(self, template: dict[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
        """Publish a changed source as the CLI would, and return the template that deploys it."""
        source = {
            str(path.relative_to(ROOT / "lambda")): path.read_text("utf-8")
            for path in sorted((ROOT / "lambda").rglob("*"))
            if path.suffix in (".py", ".json", ".sh")
        }
        for name in ("proxy/handler.py", *files):
            folder, _, file = name.rpartition("/")
            if name in source:
                source[f"{folder}/_original_{file}"] = source[name]
        source |= files
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            for name, text in source.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
                written.writestr(entry, text)
        digest = hashlib.sha256(json.dumps(source).encode()).hexdigest()
        self._published(f"{digest}.zip", archive.getvalue())
        text = _VERSION.sub(rf"\g<1>{digest[:32]}", _CODE.sub(digest, json.dumps(template)))
        found: dict[str, Any] = json.loads(text)
        return found


@contextlib.contextmanager
def callers(proxy: Client, number: int = 2) -> Iterator[list[str]]:
    """Keep sending requests; yield the list of the errors, and of ``ANSWERED``."""
    results: list[str] = []
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            try:
                proxy.generate(prompt="hello", max_tokens=1)
                results.append(ANSWERED)
            except Failure as failure:
                results.append(str(failure))
            stop.wait(0.02)  # the cores are the deployment's, too

    threads = [threading.Thread(target=send) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield results
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def state(deployed: Deployed, endpoint: str = "cohere-local") -> tuple[str, str, str]:
    """Return an endpoint's status, its config, and its stack's status."""
    found = deployed.sagemaker.describe_endpoint(EndpointName=endpoint)
    stack = deployed.cloudformation.describe_stacks(StackName=f"{endpoint}-endpoint")["Stacks"][0]
    return found["EndpointStatus"], found["EndpointConfigName"], stack["StackStatus"]


def edit_by_hand(deployed: Deployed) -> None:
    """Move the endpoint to a config that is not the template's."""
    sagemaker = deployed.sagemaker
    _, config, _ = state(deployed)
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    by_hand: Any = {**variant, "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=[by_hand])
    sagemaker.update_endpoint(EndpointName="cohere-local", EndpointConfigName="by-hand")
    wait: Any = {"Delay": 1, "MaxAttempts": 9}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="cohere-local", WaiterConfig=wait)


def policies_of(role_part: str) -> tuple[str, dict[str, Any]]:
    """Return a deployed role's name and its inline policies by name."""
    iam = boto3.client("iam")
    name = next(r["RoleName"] for r in iam.list_roles()["Roles"] if role_part in r["RoleName"])
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    found = {}
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document: Any = iam.get_role_policy(RoleName=name, PolicyName=inline)["PolicyDocument"]
        found[inline] = document if isinstance(document, dict) else json.loads(document)
    return name, found


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_what_others_own(role: str = "x", path: str = "/", boundary: str = "x") -> None:
    """Make the role and the boundary that a platform team would have made before."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    iam.create_role(Path=path, RoleName=role, AssumeRolePolicyDocument=policy(trust))
    iam.create_policy(PolicyName=boundary, PolicyDocument=policy({"Effect": "Allow", "Action": "*", "Resource": "*"}))


def environment_of(deployed: Deployed) -> dict[str, str]:
    """Return the environment of a program that is led to the local cloud."""
    return {**os.environ, **deployed.cloud.variables()}
