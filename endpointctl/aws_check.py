"""Asks a real account what no document tells: ``make aws-check``. Every probe is a row of docs/fidelity.md.

Nothing here starts an instance. The probes of the control plane make models and endpoint configs, which cost nothing,
and delete them again; those of the runtime send a few small requests to an endpoint that is there anyway.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from endpointctl.failure import Failure
from stacks.settings import Settings

ACCEPTED: Final = "accepted"
_ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=70)


@dataclass(frozen=True)
class Account:
    """What the probes work with.

    Attributes:
        sagemaker: a client.
        runtime: a client.
        quotas: a client.
        role: the execution role that models are given.
        package: the package that the environment uses.
        instance_type: the type that the environment uses.
        endpoint: the environment's endpoint.
        kms_key: a key for the probe that needs one; empty without.

    """

    sagemaker: Any
    runtime: Any
    quotas: Any
    role: str
    package: str
    instance_type: str
    endpoint: str
    kms_key: str = ""

    @classmethod
    def of(cls, settings: Settings, kms_key: str = "") -> Account:
        """Return the account in which an environment is deployed.

        Raises:
            Failure: it is not deployed.

        """
        session = boto3.Session(region_name=settings.region)
        sagemaker: Any = session.client("sagemaker", config=_ONCE)
        try:
            config = sagemaker.describe_endpoint(EndpointName=settings.endpoint.name)["EndpointConfigName"]
            variant = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]
            model = sagemaker.describe_model(ModelName=variant["ModelName"])
        except (ClientError, BotoCoreError) as error:
            raise Failure(
                f"endpoint {settings.endpoint.name}: {type(error).__name__}: deploy the environment first; the probes "
                "use its model's role and package"
            ) from None
        pools = variant.get("InstancePools", [variant])
        return cls(
            sagemaker=sagemaker,
            runtime=session.client("sagemaker-runtime", config=_ONCE),
            quotas=session.client("service-quotas", config=_ONCE),
            role=model["ExecutionRoleArn"],
            package=model["PrimaryContainer"]["ModelPackageName"],
            instance_type=pools[0]["InstanceType"],
            endpoint=settings.endpoint.name,
            kms_key=kms_key,
        )


Probe = Callable[[Account], str]


def _said(call: Callable[[], Any]) -> str:
    """Return ``accepted``, or the service's own words without the account's number."""
    try:
        call()
    except ClientError as error:
        found = error.response["Error"]
        return f"{found['Code']}: {found.get('Message')}"
    except BotoCoreError as error:
        return f"not sent: {type(error).__name__}: {error}"
    return ACCEPTED


def _name() -> str:
    return f"aws-check-{uuid.uuid4().hex[:12]}"


def _model(account: Account, **change: Any) -> str:  # noqa: ANN401 - members of a request
    """Create a model and delete it again."""
    name = _name()
    request = {
        "ModelName": name,
        "ExecutionRoleArn": account.role,
        "EnableNetworkIsolation": True,
        "PrimaryContainer": {"ModelPackageName": account.package, **change.pop("container", {})},
        **change,
    }
    try:
        return _said(lambda: account.sagemaker.create_model(**request))
    finally:
        with suppress(ClientError):
            account.sagemaker.delete_model(ModelName=name)


@contextmanager
def _kept_model(account: Account) -> Iterator[str]:
    name = _name()
    package = {"ModelPackageName": account.package}
    account.sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=account.role, EnableNetworkIsolation=True, PrimaryContainer=package
    )
    try:
        yield name
    finally:
        account.sagemaker.delete_model(ModelName=name)


def _config(account: Account, variant: dict[str, Any] | None = None, **change: Any) -> str:  # noqa: ANN401
    """Create an endpoint config of one variant and delete it again. A member of None is left out."""
    name = _name()
    with _kept_model(account) as model:
        full = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": account.instance_type,
            "InitialInstanceCount": 1,
            **(variant or {}),
        }
        wanted = {key: value for key, value in full.items() if value is not None}
        change = {key: value(wanted) if callable(value) else value for key, value in change.items()}
        try:
            return _said(
                lambda: account.sagemaker.create_endpoint_config(
                    EndpointConfigName=name, ProductionVariants=[wanted], **change
                )
            )
        finally:
            with suppress(ClientError):
                account.sagemaker.delete_endpoint_config(EndpointConfigName=name)


def _elsewhere(account: Account) -> str:
    region = account.package.split(":")[3]
    return account.package.replace(f":{region}:", f":{'eu-west-1' if region != 'eu-west-1' else 'us-east-1'}:")


def _kms(account: Account) -> str:
    if not account.kms_key:
        return "not asked: give --kms-key"
    return _config(account, KmsKeyId=account.kms_key)


def _types(account: Account) -> str:
    said: list[str] = []

    def ask() -> None:
        found = account.sagemaker.describe_model_package(ModelPackageName=account.package)
        said.extend(found["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"])

    refused = _said(ask)
    return ", ".join(said) or refused


def _quota(account: Account) -> str:
    wanted = f"{account.instance_type} for endpoint usage"
    for page in account.quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
        for quota in page["Quotas"]:
            if quota["QuotaName"] == wanted:
                return f"{quota['QuotaCode']}: {quota['Value']:g}"
    return f"no quota is called {wanted!r}"


def _invoke(account: Account, *, streamed: bool = False, name: str = "", **fields: Any) -> str:  # noqa: ANN401
    variant = fields.pop("variant", None)
    body = json.dumps({"prompt": "a", "message": "a", "max_tokens": 1, **fields})
    request = {
        "EndpointName": name or account.endpoint,
        "ContentType": "application/json",
        "Body": body,
        **({"TargetVariant": variant} if variant else {}),
    }
    if streamed:
        return _said(lambda: list(account.runtime.invoke_endpoint_with_response_stream(**request)["Body"]))
    said: list[str] = []
    refused = _said(lambda: said.append(account.runtime.invoke_endpoint(**request)["Body"].read().decode()))
    return said[0][:400] if said else refused


_SCALING = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
_VPC = {"VpcConfig": {"Subnets": ["subnet-00000000"], "SecurityGroupIds": ["sg-00000000"]}}
_CAPTURE = {
    "InitialSamplingPercentage": 1,
    "DestinationS3Uri": "s3://aws-check-does-not-exist",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}

PROBES: Final[dict[str, Probe]] = {
    "legacy-package": _model,
    "no-isolation": lambda a: _model(a, EnableNetworkIsolation=False),
    "environment": lambda a: _model(a, container={"Environment": {"A": "b"}}),
    "model-data": lambda a: _model(a, container={"ModelDataUrl": "s3://x/y.tar.gz"}),
    "other-region": lambda a: _model(a, container={"ModelPackageName": _elsewhere(a)}),
    "missing-role": lambda a: _model(a, ExecutionRoleArn=a.role + "-missing"),
    "vpc": lambda a: _model(a, **_VPC),
    "supported-types": _types,
    "wrong-gpu": lambda a: _config(a, {"InstanceType": "ml.m5.large"}),
    "kms-with-nvme": _kms,
    "pools": lambda a: _config(
        a, {"InstanceType": None, "InstancePools": [{"InstanceType": a.instance_type, "Priority": 1}]}
    ),
    "managed-scaling": lambda a: _config(a, {"ManagedInstanceScaling": _SCALING}),
    "serverless": lambda a: _config(
        a,
        {
            "InstanceType": None,
            "InitialInstanceCount": None,
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1},
        },
    ),
    "asynchronous": lambda a: _config(a, AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://x"}}),
    "shadow": lambda a: _config(a, ShadowProductionVariants=lambda v: [{**v, "VariantName": "Shadow"}]),
    "capture": lambda a: _config(a, DataCaptureConfig=_CAPTURE),
    "ami": lambda a: _config(a, {"InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2"}),
    "quota": _quota,
    "invoke-missing": lambda a: _invoke(a, name=_name()),
    "invoke-case": lambda a: _invoke(a, name=a.endpoint.upper()),
    "invoke-variant": lambda a: _invoke(a, variant="Missing"),
    "container-shape": _invoke,
    "container-unknown-field": lambda a: _invoke(a, aws_check=True),
    "container-temperature": lambda a: _invoke(a, temperature=6),
    "container-context": lambda a: _invoke(a, max_tokens=1_000_000),
    "container-empty": lambda a: _invoke(a, prompt="", message=""),
    "stream": lambda a: _invoke(a, streamed=True, stream=True),
}
"""Each question by the id that docs/fidelity.md gives it."""

INVOCATIONS: Final = 6
"""How many requests reach the model.

One token each, and most are refused by it. ``container-context`` alone asks for a million tokens: a container that
takes that, instead of refusing it, generates until it has ended by itself, or until SageMaker's 60 s.
"""


def ask(account: Account, wanted: list[str] | None = None) -> Generator[tuple[str, str], None, None]:
    """Yield each probe's id and what AWS answered.

    Args:
        account: where to ask.
        wanted: ids of ``PROBES``; default all.

    Raises:
        Failure: an id is unknown.

    """
    if unknown := sorted(set(wanted or ()) - set(PROBES)):
        raise Failure(f"probe {unknown[0]!r} is unknown; allowed: {', '.join(PROBES)}")
    for name in wanted or PROBES:
        try:
            yield name, PROBES[name](account)
        except ClientError as error:
            yield name, f"not asked: {error.response['Error']['Code']}: {error.response['Error'].get('Message')}"
