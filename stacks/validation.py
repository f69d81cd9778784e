"""What every synth is checked against: the packs of cdk-nag, CloudFormation's rules, and SageMaker's refusals."""

from __future__ import annotations

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks, ServerlessChecks

from sagemaker_llm import policy

_PACKS = (AwsSolutionsChecks, NIST80053R5Checks, HIPAASecurityChecks, PCIDSS321Checks, ServerlessChecks)


def add_to(app: App) -> None:
    """Let an app's synth fail on every finding that nobody acknowledged."""
    Validations.of(app).add_plugins(policy.plugin(), *(pack(app) for pack in _PACKS))
