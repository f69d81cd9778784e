"""``cdk.json`` holds every flag that the pinned CLI recommends; each deviation is on purpose and stands here."""

import json

from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent
OURS = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
RECOMMENDED = json.loads(
    (ROOT / "node_modules/aws-cdk/lib/init-templates/.recommended-feature-flags.json").read_text(encoding="utf-8")
)

# What differs from the recommendation, on purpose.
DIFFERENT = {
    # Would send construct metadata to AWS with each template.
    "@aws-cdk/core:enableAdditionalMetadataCollection": False,
    # Findings of the built-in CloudFormation rules are errors.
    "@aws-cdk/core:validateAgainstDefaultRules": True,
    # As `cdk init` writes it: no template for partitions that nobody deploys to.
    "@aws-cdk/core:target-partitions": ["aws", "aws-cn"],
}


def test_flags_are_the_recommended_ones() -> None:
    assert {**RECOMMENDED, **DIFFERENT} == OURS


def test_the_cli_sends_nothing_home() -> None:
    document = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    assert document["versionReporting"] is False
    assert document["notices"] is False
