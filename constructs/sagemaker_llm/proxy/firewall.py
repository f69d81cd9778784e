"""A web firewall for an API whose requests are free text."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from sagemaker_llm.limits import FIREWALL_REQUESTS, check_range

COUNTED: Final = {
    "AWSManagedRulesCommonRuleSet": (
        "SizeRestrictions_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "CrossSiteScripting_BODY",
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (
        "JavaDeserializationRCE_BODY",
        "Log4JRCE_BODY",
        "ReactJSRCE_BODY",
    ),
    "AWSManagedRulesAmazonIpReputationList": (),
}
"""The managed rule groups, and their rules that inspect the body: these count and do not block.

They take a prompt for an attack: "summarize this HTML", "explain this stack trace", 8 KB of text.
Source: docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html, read 2026-11.
"""


def add_firewall(scope: Construct, stage: apigateway.Stage, requests: int) -> wafv2.CfnWebACL:
    """Add a web firewall to a stage: AWS's managed rules, and a rate limit for each address.

    Args:
        scope: the parent.
        stage: the stage.
        requests: the most requests from one address in five minutes, 10 to 2,000,000,000.

    Raises:
        OptionError: the number is out of range.

    """
    check_range("firewall_requests", requests, *FIREWALL_REQUESTS)
    rules = [
        wafv2.CfnWebACL.RuleProperty(
            name="Rate",
            priority=0,
            action=wafv2.CfnWebACL.RuleActionProperty(block={}),
            statement=wafv2.CfnWebACL.StatementProperty(
                rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                    limit=requests, aggregate_key_type="IP", evaluation_window_sec=300
                )
            ),
            visibility_config=_visible("Rate"),
        )
    ]
    for priority, (group, counted) in enumerate(COUNTED.items(), start=1):
        overrides = [
            wafv2.CfnWebACL.RuleActionOverrideProperty(
                name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
            )
            for rule in counted
        ]
        rules.append(
            wafv2.CfnWebACL.RuleProperty(
                name=group,
                priority=priority,
                override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
                statement=wafv2.CfnWebACL.StatementProperty(
                    managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                        vendor_name="AWS", name=group, rule_action_overrides=overrides or None
                    )
                ),
                visibility_config=_visible(group),
            )
        )
    acl = wafv2.CfnWebACL(
        scope,
        "Firewall",
        scope="REGIONAL",
        default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
        description="In front of the generate proxy",
        rules=rules,
        visibility_config=_visible("Firewall"),
    )
    wafv2.CfnWebACLAssociation(scope, "FirewallOfStage", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)
    return acl


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    # Sampled requests hold method, address, path and headers, no body.
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
