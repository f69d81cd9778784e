"""The checks of every synth: the packs of cdk-nag, CloudFormation's rules, and SageMaker's refusals."""

from __future__ import annotations

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks, ServerlessChecks

from sagemaker_llm import policy

_PACKS = (AwsSolutionsChecks, NIST80053R5Checks, HIPAASecurityChecks, PCIDSS321Checks, ServerlessChecks)


def add_to(app: App) -> None:
    """Make an app's synth fail on every finding that is not acknowledged."""
    Validations.of(app).add_plugins(policy.plugin(), *(pack(app) for pack in _PACKS))
