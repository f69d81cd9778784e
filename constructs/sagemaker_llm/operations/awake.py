"""The CloudFormation parameter that decides whether an endpoint exists."""

from __future__ import annotations

from aws_cdk import CfnCondition, CfnParameter, Fn
from constructs import Construct

from sagemaker_llm.operations.limits import PARAMETER


class AwakeParameter(Construct):
    """The parameter ``Awake`` of a stack, ``true`` by default, and the condition that it is true.

    Args:
        scope: the stack, or a construct in it; a stack can have one.
        construct_id: the id in the parent.

    Attributes:
        condition: for ``GpuEndpoint``.

    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        parameter = CfnParameter(
            self,
            "Parameter",
            default="true",
            allowed_values=["true", "false"],
            description="Whether the endpoint exists. Only the power function changes it: endpointctl wake and sleep",
        )
        parameter.override_logical_id(PARAMETER)
        self.condition = CfnCondition(
            self, "Condition", expression=Fn.condition_equals(parameter.value_as_string, "true")
        )
        self.condition.override_logical_id("IsAwake")
