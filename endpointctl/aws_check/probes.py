"""The probes: each one asks one question, and is a row of docs/fidelity.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from endpointctl.aws_check.account import Account
from endpointctl.aws_check.temporary import unused_name
from endpointctl.aws_check.update import retained_update
from endpointctl.failure import Failure

ACCEPTED: Final = "accepted"
Probe = Callable[[Account], str]


def _response(call: Callable[[], Any]) -> str:
    """Return ``accepted``, or the service's error code and message."""
    try:
        call()
    except ClientError as error:
        details = error.response["Error"]
        return f"{details['Code']}: {details.get('Message')}"
    except BotoCoreError as error:
        return f"no response: {type(error).__name__}: {error}"
    return ACCEPTED


def _model(account: Account, **change: Any) -> str:  # noqa: ANN401 - members of a request
    """Create a model and delete it again."""
    with account.temporary.model() as name:
        request = {
            "ModelName": name,
            "ExecutionRoleArn": account.role,
            "EnableNetworkIsolation": True,
            "PrimaryContainer": {"ModelPackageName": account.package, **change.pop("container", {})},
            **change,
        }
        return _response(lambda: account.sagemaker.create_model(**request))


def _config(account: Account, variant: dict[str, Any] | None = None, **change: Any) -> str:  # noqa: ANN401
    """Create an endpoint config of one variant and delete it again. A member of None is left out."""
    with account.temporary.model() as model, account.temporary.config() as name:
        package = {"ModelPackageName": account.package}
        account.sagemaker.create_model(
            ModelName=model, ExecutionRoleArn=account.role, EnableNetworkIsolation=True, PrimaryContainer=package
        )
        full = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": account.instance_type,
            "InitialInstanceCount": 1,
            **(variant or {}),
        }
        members = {key: value for key, value in full.items() if value is not None}
        change = {key: value(members) if callable(value) else value for key, value in change.items()}
        return _response(
            lambda: account.sagemaker.create_endpoint_config(
                EndpointConfigName=name, ProductionVariants=[members], **change
            )
        )


def _elsewhere(account: Account) -> str:
    region = account.package.split(":")[3]
    return account.package.replace(f":{region}:", f":{'eu-west-1' if region != 'eu-west-1' else 'us-east-1'}:")


def _kms(account: Account) -> str:
    if not account.kms_key:
        return "not asked: give --kms-key"
    return _config(account, KmsKeyId=account.kms_key)


def _types(account: Account) -> str:
    types: list[str] = []

    def describe() -> None:
        found = account.sagemaker.describe_model_package(ModelPackageName=account.package)
        types.extend(found["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"])

    error = _response(describe)
    return ", ".join(types) or error


def _quota(account: Account) -> str:
    name = f"{account.instance_type} for endpoint usage"
    for page in account.quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
        for quota in page["Quotas"]:
            if quota["QuotaName"] == name:
                return f"{quota['QuotaCode']}: {quota['Value']:g}"
    return f"no quota is called {name!r}"


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
        return _response(lambda: list(account.runtime.invoke_endpoint_with_response_stream(**request)["Body"]))
    bodies: list[str] = []
    error = _response(lambda: bodies.append(account.runtime.invoke_endpoint(**request)["Body"].read().decode()))
    return bodies[0][:400] if bodies else error


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
    "invoke-missing": lambda a: _invoke(a, name=unused_name()),
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

ON_REQUEST: Final[dict[str, Probe]] = {"retained-update": retained_update}
"""Probes that change the deployed endpoint and may cost money: asked only by name."""

INVOCATIONS: Final = 6
"""How many requests reach the model.

One token each, and most are refused by it. ``container-context`` alone asks for a million tokens: a container that
takes that, instead of refusing it, generates until it has ended by itself, or until SageMaker's 60 s.
"""


def ask(account: Account, chosen: list[str] | None = None) -> Generator[tuple[str, str], None, None]:
    """Yield each probe's id and AWS's answer; delete what the probes made, whatever ends them.

    Args:
        account: where to ask.
        chosen: ids of ``PROBES`` or ``ON_REQUEST``; default all of ``PROBES``.

    Raises:
        Failure: an id is unknown, or something could not be deleted: its name is in the message.

    """
    known = {**PROBES, **ON_REQUEST}
    if unknown := sorted(set(chosen or ()) - set(known)):
        raise Failure(f"probe {unknown[0]!r} is unknown; allowed: {', '.join(known)}")
    with account.temporary.all_deleted():
        for name in chosen or PROBES:
            try:
                answer = known[name](account)
            except ClientError as error:
                answer = f"not asked: {error.response['Error']['Code']}: {error.response['Error'].get('Message')}"
            except BotoCoreError as error:
                answer = f"not asked: {type(error).__name__}: {error}"
            yield name, answer
