"""The SageMaker model made from an AWS Marketplace model package."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Aws, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from marketplace_llm.package import ModelPackage


class MarketplaceModel(Construct):
    """A model from a Marketplace package, isolated from the network, with an execution role of its own.

    CloudFormation names the model: every property of a model is create-only, so a fixed name would make each change
    fail on "already exists". Network isolation is on and cannot be turned off, because SageMaker refuses Marketplace
    models without it (docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html).

    The role may publish the instances' metrics. Permissions for other resources are added by those who own them (the
    endpoint adds its log group); the package's image and weights belong to the seller and are fetched by SageMaker.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        package: the versioned package; the account must be subscribed to its listing.

    Attributes:
        package: the package given.
        role: the execution role. Add statements to it before the model is created; the model waits for its policy.
        model_name: the name that CloudFormation will draw (a token).

    """

    def __init__(self, scope: Construct, construct_id: str, *, package: ModelPackage) -> None:
        super().__init__(scope, construct_id)
        self.package = package
        self.role = iam.Role(
            self,
            "ExecutionRole",
            description="Lets SageMaker run the model's container and nothing else",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                # Only SageMaker acting for this account: the confused-deputy guard.
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                sid="PublishInstanceMetrics",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # the action knows no resources; the namespace is its only limit
                conditions={"StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]}},
            )
        )
        Validations.of(self.role).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-IAM5[Resource::*]",
                reason="cloudwatch:PutMetricData knows no resources; a condition limits it to SageMaker's namespaces",
            )
        )
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(model_package_name=package.arn),
        )
        # SageMaker tries the role at creation, and deleting a role in use leaves the endpoint undeletable.
        model.node.add_dependency(self.role)
        self.model_name = model.attr_model_name
