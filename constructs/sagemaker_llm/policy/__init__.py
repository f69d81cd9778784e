"""SageMaker's refusals as policy for anybody's templates: CloudFormation Guard rules in the CDK's own validation.

    cdk.Validations.of(app).add_plugins(policy.plugin())

Every finding is an error at synth. A rule sees one template: whether a package fits the region, the GPU and the
inference AMI version of another resource, and names that two environments share, are checked by the constructs only.
"""

from __future__ import annotations

from importlib.resources import files

from aws_cdk import CloudFormationValidatePlugin, ValidationRuleSource

NAME = "sagemaker_llm"
"""The rules' source, as findings show it."""


def rules() -> str:
    """Return the rules' text, in CloudFormation Guard's language."""
    return files("sagemaker_llm.policy").joinpath("marketplace.guard").read_text("utf-8")


def plugin() -> CloudFormationValidatePlugin:
    """Return a validation plug-in with these rules and CloudFormation's own, which it replaces."""
    return CloudFormationValidatePlugin(
        guard_rules=[ValidationRuleSource(name=NAME, content=rules())], include_default_rules=True
    )
