"""An endpoint that can be invoked and measured, known by its name."""

from __future__ import annotations

import jsii
from aws_cdk import ArnFormat, Resource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces.aws_sagemaker import EndpointReference
from constructs import Construct

from sagemaker_llm import limits
from sagemaker_llm.endpoint.metrics import EndpointMetrics


@jsii.implements(sagemaker.IEndpoint)
class InvocableEndpoint(EndpointMetrics, Resource):
    """An endpoint known by its literal name, whichever stack owns it: the CDK's ``aws_sagemaker.IEndpoint``.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        endpoint_name: the endpoint's name, in the stack's account and region.

    Attributes:
        endpoint_name: the literal name.
        endpoint_arn: the ARN in this stack's partition, account and region.

    Raises:
        OptionError: SageMaker would refuse the name.

    """

    def __init__(self, scope: Construct, construct_id: str, *, endpoint_name: str) -> None:
        super().__init__(scope, construct_id)
        self._name = limits.check_endpoint_name(endpoint_name)
        self._arn = self.stack.format_arn(
            service="sagemaker",
            resource="endpoint",
            resource_name=endpoint_name,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )

    @property
    def endpoint_name(self) -> str:  # type: ignore[override]
        """Return the literal name."""
        return self._name

    @property
    def endpoint_arn(self) -> str:
        """Return the ARN in this stack's partition, account and region."""
        return self._arn

    @property
    def endpoint_ref(self) -> EndpointReference:
        """Return the reference that the CDK's own constructs take."""
        return EndpointReference(endpoint_arn=self._arn)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow ``sagemaker:InvokeEndpoint`` on this one endpoint, and nothing else."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["sagemaker:InvokeEndpoint"], resource_arns=[self.endpoint_arn]
        )

    def grant_invoke_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow whole and streamed responses of this one endpoint, and nothing else."""
        actions = ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
        return iam.Grant.add_to_principal(grantee=grantee, actions=actions, resource_arns=[self.endpoint_arn])
