"""The SageMaker model made from an AWS Marketplace model package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_cdk import Annotations, Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_llm.errors import OptionError
from sagemaker_llm.models.package import ModelPackage

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2


@dataclass(frozen=True)
class VpcAttachment:
    """The network interfaces of a model's instances, for organizations that demand them.

    A Marketplace container has no network either way, because of its isolation. The subnets need a route to S3.
    Source: docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html.

    Attributes:
        subnet_ids: 1 to 16 subnets of one VPC; two or more zones keep an endpoint alive when one is lost.
        security_group_ids: 1 to 5 security groups of the same VPC.

    Raises:
        OptionError: too few or too many.

    """

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]

    def __post_init__(self) -> None:
        for option, ids, highest in (
            ("subnet_ids", self.subnet_ids, 16),
            ("security_group_ids", self.security_group_ids, 5),
        ):
            if not 1 <= len(ids) <= highest:
                raise OptionError(option, list(ids), problem="are too few or too many", allowed=f"1 to {highest} ids")

    @classmethod
    def from_vpc(
        cls,
        vpc: ec2.IVpc,
        *,
        security_groups: Sequence[ec2.ISecurityGroup],
        subnets: Sequence[ec2.ISubnet] = (),
    ) -> VpcAttachment:
        """Return the attachment to a VPC of the CDK.

        Args:
            vpc: the VPC.
            security_groups: 1 to 5 security groups of it.
            subnets: 1 to 16 subnets of it; default all its private ones.

        Raises:
            OptionError: too few or too many.

        """
        chosen = subnets or vpc.private_subnets
        return cls([one.subnet_id for one in chosen], [group.security_group_id for group in security_groups])


class MarketplaceModel(Construct):
    """A model from a Marketplace package, isolated from the network, with an execution role of its own.

    CloudFormation names the model: every property of a model is create-only, so a fixed name would make each change
    fail on "already exists". Network isolation is on and cannot be turned off, because SageMaker refuses Marketplace
    models without it (docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html). Neither can a
    package have environment variables or model data, so there are no such options.

    The role may publish the instances' metrics. Permissions for other resources are added by those who own them (the
    endpoint adds its log group); the package's image and weights belong to the seller and are fetched by SageMaker.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        package: the versioned package; the account must be subscribed to its listing.
        role: an execution role from outside; default one of its own. To a role imported as immutable nothing is added:
            then it has to have what README.md lists.
        vpc: network interfaces in a VPC; default none.

    Attributes:
        package: the package given.
        role: the execution role. Add statements to it before the model is created; the model waits for its policy.
        model_name: the name that CloudFormation generates (a token).

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        package: ModelPackage,
        role: iam.IRole | None = None,
        vpc: VpcAttachment | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.package = package
        if package.notice:
            Annotations.of(self).add_info(package.notice)
        self.role = role or self._own_role()
        if vpc:
            self._allow_interfaces()
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(model_package_name=package.arn),
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=list(vpc.subnet_ids), security_group_ids=list(vpc.security_group_ids)
            )
            if vpc
            else None,
        )
        # SageMaker assumes the role at creation, and an endpoint whose role was deleted cannot be deleted.
        model.node.add_dependency(self.role)
        self.model_name = model.attr_model_name

    def _own_role(self) -> iam.Role:
        description = "Lets SageMaker run the model's container and nothing else"
        role = iam.Role(self, "ExecutionRole", description=description, assumed_by=_sagemaker())
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["cloudwatch:PutMetricData"],
            resource_arns=["*"],  # the action takes no resource; the namespace is its only limit
            conditions={"StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]}},
        )
        return role

    def _allow_interfaces(self) -> None:
        """Let SageMaker attach its instances. Source: docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html."""
        actions = [
            *("CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface"),
            *("DeleteNetworkInterfacePermission", "DescribeNetworkInterfaces", "DescribeVpcs"),
            *("DescribeDhcpOptions", "DescribeSubnets", "DescribeSecurityGroups"),
        ]
        self.role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[f"ec2:{action}" for action in actions],
                resources=["*"],  # most of these take no resource, and the interfaces do not exist yet
            )
        )


@cache
def _sagemaker() -> iam.IPrincipal:
    """Return SageMaker acting for this account only: the guard against a confused deputy."""
    return iam.ServicePrincipal(
        "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    )
