"""The app of another team: an endpoint of its own, behind a proxy with a Function URL, from the installed library.

cdk synth
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_llm import GpuEndpoint, LlmProxy, MarketplaceModel, ModelPackage, Variant

REGION = "us-east-1"
INSTANCE_TYPE = "ml.g5.xlarge"


class SummariesStack(cdk.Stack):
    """A model that writes summaries, and the role of the service that calls it."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, env=cdk.Environment(region=REGION))
        package = ModelPackage.from_catalog("medium-1.5", INSTANCE_TYPE, REGION)
        variant = Variant(model=MarketplaceModel(self, "Model", package=package), instance_type=INSTANCE_TYPE)
        endpoint = GpuEndpoint(self, "Endpoint", endpoint_name="summaries", variants=[variant])
        proxy = LlmProxy(self, "Proxy", endpoint=endpoint, api="generate", reserved_concurrency=8)
        caller = iam.Role(self, "Caller", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        cdk.CfnOutput(self, "Url", value=proxy.add_function_url())
        proxy.grant_invoke_url(caller)
        endpoint.metric_model_latency().create_alarm(self, "Slow", threshold=30e6, evaluation_periods=3)  # microseconds


def main() -> None:
    """Declare the stack and write the cloud assembly."""
    app = cdk.App(analytics_reporting=False)
    SummariesStack(app, "Summaries")
    app.synth()


if __name__ == "__main__":
    main()
