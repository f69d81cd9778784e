"""A dashboard that answers, from top to bottom: is it up, is it fast, is it full, what does it cost, who uses it.

Source of the body's structure: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
CloudWatch-Dashboard-Body-Structure.html.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sagemaker_llm.operations.widgets import Content, widgets


class Dashboard(Construct):
    """A CloudWatch dashboard. Its body is the same for the same content, byte for byte.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        name: its name.
        content: what it shows.
        alarm_arns: the alarms whose states it shows.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, content: Content, alarm_arns: Sequence[str]
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        shown = widgets(content, alarm_arns, stack.region)
        body = stack.to_json_string({"start": "-PT3H", "periodOverride": "inherit", "widgets": shown})
        self.dashboard = cloudwatch.CfnDashboard(self, "Dashboard", dashboard_name=name, dashboard_body=body)
