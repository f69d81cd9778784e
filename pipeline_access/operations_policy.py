"""What CloudFormation may do beside the execution policy, for environments with alarms, a budget or sleep."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_access.execution_policy import OURS
from pipeline_access.statement import ACCOUNT, PARTITION, Statement, arn, iam_arn

_NAMED = "CloudFormation or the stack names them."


def operations_statements() -> Iterator[Statement]:
    """Yield the statements of the second policy for ``cdk bootstrap``."""
    yield Statement(
        f"Alarms and dashboards. {_NAMED}",
        (
            *("cloudwatch:DeleteAlarms", "cloudwatch:PutCompositeAlarm", "cloudwatch:PutMetricAlarm"),
            *("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"),
            *("cloudwatch:ListTagsForResource", "cloudwatch:TagResource", "cloudwatch:UntagResource"),
        ),
        (arn("cloudwatch", f"alarm:{OURS}"), f"arn:{PARTITION}:cloudwatch::{ACCOUNT}:dashboard/{OURS}"),
    )
    yield Statement(
        f"The topic of the alarms. {_NAMED}",
        (
            *("sns:CreateTopic", "sns:DeleteTopic", "sns:GetDataProtectionPolicy", "sns:GetSubscriptionAttributes"),
            *("sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"),
            *("sns:SetSubscriptionAttributes", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource"),
            *("sns:Unsubscribe", "sns:UntagResource"),
        ),
        (arn("sns", OURS),),
    )
    yield Statement(
        f"Rules for events of the endpoint and its stack. {_NAMED}",
        (
            *("events:DeleteRule", "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"),
            *("events:PutRule", "events:PutTargets", "events:RemoveTargets"),
            *("events:TagResource", "events:UntagResource"),
        ),
        (arn("events", f"rule/{OURS}"),),
    )
    yield Statement(
        f"The schedules that wake and stop the endpoint. {_NAMED}",
        (
            *("scheduler:CreateSchedule*", "scheduler:DeleteSchedule*", "scheduler:GetSchedule*"),
            *("scheduler:ListTagsForResource", "scheduler:TagResource", "scheduler:UntagResource"),
            "scheduler:UpdateSchedule",
        ),
        (arn("scheduler", f"schedule-group/{OURS}"), arn("scheduler", f"schedule/{OURS}/{OURS}")),
    )
    yield Statement(
        "CloudFormation names the roles. Each goes to one service.",
        ("iam:PassRole",),
        (iam_arn(f"role/{OURS}"),),
        {"StringEquals": {"iam:PassedToService": ["scheduler.amazonaws.com"]}},
    )
    yield Statement(
        f"The budget. {_NAMED}",
        (
            *("budgets:ListTagsForResource", "budgets:ModifyBudget", "budgets:TagResource"),
            *("budgets:UntagResource", "budgets:ViewBudget"),
        ),
        (f"arn:{PARTITION}:budgets::{ACCOUNT}:budget/{OURS}",),
    )
    yield Statement(
        "Cost Explorer gives ids that nobody knows before.",
        (
            *("ce:DeleteAnomalyMonitor", "ce:DeleteAnomalySubscription", "ce:ListTagsForResource", "ce:TagResource"),
            *("ce:UntagResource", "ce:UpdateAnomalyMonitor", "ce:UpdateAnomalySubscription"),
        ),
        tuple(f"arn:{PARTITION}:ce::{ACCOUNT}:anomaly{kind}/*" for kind in ("monitor", "subscription")),
    )
    yield Statement(
        "These actions take no resource, or the list of all; they read, or make something that costs nothing.",
        (
            *("ce:CreateAnomalyMonitor", "ce:CreateAnomalySubscription", "ce:GetAnomaly*", "cloudwatch:ListDashboards"),
            *("events:ListRules", "scheduler:ListSchedule*", "sns:ListSubscriptions", "sns:ListTopics"),
        ),
        ("*",),
    )
