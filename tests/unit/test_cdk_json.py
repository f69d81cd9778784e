"""``cdk.json`` holds every flag that the pinned CLI recommends; each deviation is on purpose and stands here."""

import json

from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent
OURS = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
RECOMMENDED = json.loads(
    (ROOT / "node_modules/aws-cdk/lib/init-templates/.recommended-feature-flags.json").read_text(encoding="utf-8")
)

# Sends construct metadata to AWS with each template.
DROPPED = {"@aws-cdk/core:enableAdditionalMetadataCollection"}
# Findings of the built-in CloudFormation rules are errors.
ADDED = {"@aws-cdk/core:validateAgainstDefaultRules": True, "@aws-cdk/core:target-partitions": ["aws", "aws-cn"]}


def test_flags_are_the_recommended_ones() -> None:
    wanted = {name: value for name, value in RECOMMENDED.items() if name not in DROPPED}
    assert {**wanted, **ADDED} == OURS


def test_the_cli_sends_nothing_home() -> None:
    document = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    assert document["versionReporting"] is False
    assert document["notices"] is False
