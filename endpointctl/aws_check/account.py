"""The account that the probes ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from endpointctl.aws import Aws
from endpointctl.aws_check.temporary import Temporary
from endpointctl.failure import Failure
from stacks.settings import Settings

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
        temporary: the models and configs that the probes make.

    """

    sagemaker: Any
    runtime: Any
    quotas: Any
    role: str
    package: str
    instance_type: str
    endpoint: str
    kms_key: str = ""
    temporary: Temporary = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "temporary", Temporary(self.sagemaker))

    @classmethod
    def of(cls, settings: Settings, kms_key: str = "") -> Account:
        """Return the account in which an environment is deployed.

        Raises:
            Failure: it is not deployed, or the caller's AWS configuration is wrong.

        """
        aws = Aws(settings.region)
        sagemaker = aws.client("sagemaker", _ONCE)
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
            runtime=aws.client("sagemaker-runtime", _ONCE),
            quotas=aws.client("service-quotas", _ONCE),
            role=model["ExecutionRoleArn"],
            package=model["PrimaryContainer"]["ModelPackageName"],
            instance_type=pools[0]["InstanceType"],
            endpoint=settings.endpoint.name,
            kms_key=kms_key,
        )
