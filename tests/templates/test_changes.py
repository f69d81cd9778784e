"""docs/changes.md: what a change of each setting does, computed from the templates of before and after."""

import copy
import re
from functools import cache
from typing import Any

import pytest
import yaml
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from endpointctl import changes
from stacks.settings import ENVIRONMENTS, Settings
from stacks.stage import LlmStage

ROOT = ENVIRONMENTS.parent
DEV: dict[str, Any] = yaml.safe_load((ENVIRONMENTS / "dev.yaml").read_text("utf-8"))
LIGHT = (
    "arn:aws:sagemaker:us-east-1:865070037744:model-package/cohere-command-light-v16-56b4490da1833658b6c7d3a1f5f5bd1c"
)
P3 = {"endpoint.instance_type": "ml.p3.2xlarge"}
KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"
SCALING = {"max_instances": 2, "target": 4.0}
NIGHT = {"name": "night", "schedule": "cron(0 20 * * ? *)", "min_instances": 1, "max_instances": 1}
CAPTURE: dict[str, Any] = {"endpoint.data_capture": {}}
POOLS = [{"instance_type": "ml.g5.2xlarge"}, {"instance_type": "ml.g5.xlarge"}]
NEWER = {"model": {"catalog": "command-light-16"}, "instance_type": "ml.g5.xlarge"}
AMI = "al2-ami-sagemaker-inference-gpu-2"
VPC = {"subnet_ids": ["subnet-0a1b2c3d4e5f60001"], "security_group_ids": ["sg-0a1b2c3d4e5f60001"]}
ROLE = "arn:aws:iam::111122223333:role/x"
REST: dict[str, Any] = {"proxy.rest_api": {"account_log_role": True}}
CLIENT = {"requests_per_second": 1.0, "burst": 2}
KEYS: dict[str, Any] = {"proxy.rest_api": {"account_log_role": True, "access": "api_keys", "clients": {"one": CLIENT}}}
TWO_KEYS = {"proxy.rest_api": {**KEYS["proxy.rest_api"], "clients": {"one": CLIENT, "other": CLIENT}}}

# What is changed, from what, to what. None takes a key away.
ROWS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("model.package_arn", {}, {"model.package_arn": LIGHT}),
    ("model.catalog", {"model": {"catalog": "medium-1.5"}}, {"model.catalog": "command-light-16"}),
    ("model.api", {"model.api": "generate"}, {"model.api": "chat"}),
    ("endpoint.instance_type", {}, {"endpoint.instance_type": "ml.g5.2xlarge"}),
    ("endpoint.instance_pools", {}, {"endpoint.instance_type": None, "endpoint.instance_pools": POOLS}),
    ("endpoint.instance_count", {}, {"endpoint.instance_count": 2}),
    ("endpoint.autoscaling, on", {}, {"endpoint.autoscaling": SCALING}),
    ("endpoint.autoscaling, bounds", {"endpoint.autoscaling": SCALING}, {"endpoint.autoscaling.max_instances": 3}),
    ("endpoint.autoscaling, target", {"endpoint.autoscaling": SCALING}, {"endpoint.autoscaling.target": 8.0}),
    ("endpoint.autoscaling, schedules", {"endpoint.autoscaling": SCALING}, {"endpoint.autoscaling.schedules": [NIGHT]}),
    ("endpoint.weight", {}, {"endpoint.weight": 2.0}),
    ("endpoint.inference_ami_version", {}, {"endpoint.inference_ami_version": AMI}),
    ("endpoint.model_download_timeout_seconds", {}, {"endpoint.model_download_timeout_seconds": 3600}),
    ("endpoint.container_startup_timeout_seconds", {}, {"endpoint.container_startup_timeout_seconds": 3600}),
    ("endpoint.instance_provision_timeout_seconds", {}, {"endpoint.instance_provision_timeout_seconds": 600}),
    ("endpoint.routing_strategy", {}, {"endpoint.routing_strategy": "RANDOM"}),
    ("endpoint.volume_size_gb", P3, {"endpoint.volume_size_gb": 100}),
    (
        "endpoint.capacity_reservation_arn",
        {},
        {"endpoint.capacity_reservation_arn": "arn:aws:sagemaker:us-east-1:111122223333:training-plan/x"},
    ),
    ("endpoint.name", {}, {"endpoint.name": "cohere-other"}),
    ("endpoint.more_variants", {}, {"endpoint.more_variants": {"Newer": NEWER}}),
    ("endpoint.volume_key_arn", P3, {"endpoint.volume_key_arn": KEY}),
    ("endpoint.volume_key_with_nvme", {}, {"endpoint.volume_key_with_nvme": True}),
    ("endpoint.vpc", {}, {"endpoint.vpc": VPC}),
    ("endpoint.data_capture, on", {}, CAPTURE),
    ("endpoint.data_capture, percentage", CAPTURE, {"endpoint.data_capture.percentage": 10}),
    ("endpoint.data_capture, retention", CAPTURE, {"endpoint.data_capture.retention_days": 7}),
    ("endpoint.data_capture, off", CAPTURE, {"endpoint.data_capture": None}),
    ("endpoint.execution_role_arn", {}, {"endpoint.execution_role_arn": ROLE}),
    ("endpoint.log_retention_days", {}, {"endpoint.log_retention_days": 90}),
    ("proxy.callers", {}, {"proxy.callers": ["222233334444"]}),
    ("proxy.rest_api, on", {}, REST),
    ("proxy.rest_api, clients", KEYS, {"proxy.rest_api.clients.other": CLIENT}),
    ("proxy.rest_api, a client less", TWO_KEYS, {"proxy.rest_api.clients.other": None}),
    ("proxy.rest_api, throttle", REST, {"proxy.rest_api.requests_per_second": 5.0}),
    ("proxy.rest_api, timeout", REST, {"proxy.rest_api.timeout_seconds": 20}),
    ("proxy.rest_api, networks", REST, {"proxy.rest_api.networks": ["127.0.0.0/8"]}),
    ("proxy.rest_api, firewall", REST, {"proxy.rest_api.firewall_requests": 1000}),
    ("proxy.rest_api, a cap behind it", REST, {"proxy.max_tokens": 1000}),
    ("proxy.rest_api, off", REST, {"proxy.rest_api": None}),
    ("proxy.generate_timeout_seconds", {}, {"proxy.generate_timeout_seconds": 30}),
    ("proxy.max_request_bytes", {}, {"proxy.max_request_bytes": 4096}),
    ("proxy.default_max_tokens", {}, {"proxy.default_max_tokens": 100}),
    ("proxy.max_tokens", {}, {"proxy.max_tokens": 1000}),
    ("proxy.max_generations", {}, {"proxy.max_generations": 1}),
    ("proxy.max_prompt_characters", {}, {"proxy.max_prompt_characters": 8000}),
    ("proxy.memory_mib", {}, {"proxy.memory_mib": 1024}),
    ("proxy.reserved_concurrency", {}, {"proxy.reserved_concurrency": 8}),
    ("proxy.requests_per_instance", {}, {"proxy.requests_per_instance": 8}),
    ("proxy.snap_start", {}, {"proxy.snap_start": True}),
    ("proxy.log_level", {}, {"proxy.log_level": "ERROR"}),
    ("proxy.log_retention_days", {}, {"proxy.log_retention_days": 90}),
    ("termination_protection", {}, {"termination_protection": True}),
    ("tags", {}, {"tags": {"owner": "platform"}}),
    ("permissions_boundary_arn", {}, {"permissions_boundary_arn": "arn:aws:iam::111122223333:policy/x"}),
]


def _with(content: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    content = copy.deepcopy(content)
    for key, value in wanted.items():
        section = content
        *path, last = key.split(".")
        for name in path:
            section = section.setdefault(name, {})
        if value is None:
            section.pop(last)
        else:
            section[last] = copy.deepcopy(value)
    return content


def _templates(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return copy.deepcopy(_synthesized(yaml.safe_dump(content)))


@cache
def _synthesized(content: str) -> dict[str, dict[str, Any]]:
    app = App(builtin_cloud_formation_validation=False, analytics_reporting=False)
    stage = LlmStage(app, "dev", settings=Settings.model_validate(yaml.safe_load(content)))
    stacks = [child for child in stage.node.children if isinstance(child, Stack)]
    return {stack.node.id: dict(Template.from_stack(stack).to_json()) for stack in stacks}


def _found(before: dict[str, Any], after: dict[str, Any]) -> list[changes.Change]:
    old, new = _templates(_with(DEV, before)), _templates(_with(_with(DEV, before), after))
    # A stack that leaves the app stays where it is deployed.
    return [change for stack in new for change in changes.changes(old.get(stack, {}), new[stack])]


def _row(what: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    found = _found(before, after)
    cells = []
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        effects = sorted({change.effect for change in found if change.type == f"AWS::SageMaker::{kind}"})
        cells.append(", ".join(effects) or "-")
    others: dict[str, set[str]] = {}
    for change in found:
        if not change.type.startswith("AWS::SageMaker::"):
            effect = "left in place" if change.retained else change.effect
            others.setdefault(effect, set()).add(change.type.removeprefix("AWS::").replace("::", " "))
    cells.append("; ".join(f"{effect}: {', '.join(sorted(kinds))}" for effect, kinds in sorted(others.items())) or "-")
    cells.append("**yes**" if changes.makes_new_fleet(found) else "no")
    losses = [f"{change.type.split('::')[2]}: {change.loss}" for change in found if change.loss]
    cells.append("; ".join(sorted(losses)) or "nothing")
    return f"| `{what.split(', ')[0]}`{what.partition(', ')[1]}{what.partition(', ')[2]} | {' | '.join(cells)} |"


def _table() -> list[str]:
    text = (ROOT / "docs" / "changes.md").read_text("utf-8")
    return [line for line in text.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_is_what_the_templates_say(row: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    assert _row(*row) in _table()


def test_the_table_has_no_other_row() -> None:
    assert len(_table()) == len(ROWS)


def test_every_setting_has_a_row() -> None:
    schema = Settings.model_json_schema()

    def keys(section: dict[str, Any], prefix: str = "") -> list[str]:
        found: list[str] = []
        for name, field in section["properties"].items():
            reference = field.get("$ref", "").rpartition("/")[2]
            found += keys(schema["$defs"][reference], f"{name}.") if reference else [prefix + name]
        return found

    written = {re.sub(r", .*", "", what) for what, _before, _after in ROWS}
    elsewhere = {"region", "account"}  # another deployment, beside the old one
    assert set(keys(schema)) == written | elsewhere


DESTRUCTIVE = {"endpoint.name"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_no_setting_but_its_name_replaces_or_deletes_the_endpoint(row: Any) -> None:
    endpoint = [change for change in _found(row[1], row[2]) if change.type == changes.ENDPOINT]
    gone = any(change.effect in ("replaced", "deleted") for change in endpoint)
    assert gone == (row[0] in DESTRUCTIVE)
