"""Every change of a setting that docs/changes.md has a row for."""

from typing import Any

from stacks.settings import ENVIRONMENTS
from tests.support.templates import Content, content_of

DEV: Content = content_of(ENVIRONMENTS / "dev.yaml")
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
BEARER: dict[str, Any] = {"proxy.rest_api": {**KEYS["proxy.rest_api"], "access": "bearer"}}
DOMAIN = {
    "name": "llm.example.com",
    "certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
}
BUDGET: dict[str, Any] = {"budget": {"usd_per_month": 1200.0, "email": "team@example.com"}}
MAIL = {"email": "operations@example.com"}
TOPIC = "arn:aws:sns:us-east-1:111122223333:pager"
TWO_KEYS = {"proxy.rest_api": {**KEYS["proxy.rest_api"], "clients": {"one": CLIENT, "other": CLIENT}}}
TWO_BEARER = {"proxy.rest_api": {**TWO_KEYS["proxy.rest_api"], "access": "bearer"}}

HOURS = {"timezone": "Europe/Berlin", "wake": "07:30", "sleep": "19:00"}
OFFICE: dict[str, Any] = {"endpoint.sleep.office_hours": HOURS}

# What is changed, from what, to what. None takes a key away.
ROWS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("model.package_arn", {}, {"model.package_arn": LIGHT}),
    ("model.catalog", {"model": {"catalog": "medium-1.5"}}, {"model.catalog": "command-light-16"}),
    ("model.api", {"model.api": "generate"}, {"model.api": "chat"}),
    ("model.software_price_per_hour", {}, {"model.software_price_per_hour": 2.5}),
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
    ("endpoint.sleep, on", {}, {"endpoint.sleep": {}}),
    ("endpoint.sleep, with autoscaling", {"endpoint.autoscaling": SCALING}, {"endpoint.sleep": {}}),
    ("endpoint.sleep, office hours", {"endpoint.sleep": {}}, {"endpoint.sleep.office_hours": HOURS}),
    (
        "endpoint.sleep, other hours",
        {"endpoint.sleep.office_hours": HOURS},
        {"endpoint.sleep.office_hours.wake": "08:00"},
    ),
    ("endpoint.sleep, idle", {"endpoint.sleep": {}}, {"endpoint.sleep.idle_minutes": 60}),
    ("endpoint.sleep, on demand", {"endpoint.sleep": {}}, {"endpoint.sleep.on_demand": {"wakes_per_day": 5}}),
    (
        "endpoint.sleep, lease",
        {"endpoint.sleep": {}},
        {"endpoint.sleep.lease": {"max_minutes": 60, "default_minutes": 60}},
    ),
    ("endpoint.sleep, off", {"endpoint.sleep": {}}, {"endpoint.sleep": None}),
    ("proxy.callers", {}, {"proxy.callers": ["222233334444"]}),
    ("proxy.rest_api, on", {}, REST),
    ("proxy.rest_api, clients", KEYS, {"proxy.rest_api.clients.other": CLIENT}),
    ("proxy.rest_api, a client less", TWO_KEYS, {"proxy.rest_api.clients.other": None}),
    ("proxy.rest_api, bearer", KEYS, {"proxy.rest_api.access": "bearer"}),
    ("proxy.rest_api, bearer clients", BEARER, {"proxy.rest_api.clients.other": CLIENT}),
    ("proxy.rest_api, a bearer client less", TWO_BEARER, {"proxy.rest_api.clients.other": None}),
    ("proxy.rest_api, domain", REST, {"proxy.rest_api.domain": DOMAIN}),
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
    ("proxy.models", {}, {"proxy.models": ["command"]}),
    ("proxy.endpoints", {}, {"proxy.endpoints": {"cohere-other": {"api": "embed", "models": ["embed-v4"]}}}),
    ("proxy.streaming", {}, {"proxy.streaming": True}),
    ("proxy.stream_timeout_seconds", {"proxy.streaming": True}, {"proxy.stream_timeout_seconds": 60}),
    ("proxy.log_level", {}, {"proxy.log_level": "ERROR"}),
    ("proxy.log_retention_days", {}, {"proxy.log_retention_days": 90}),
    ("budget, on", {}, BUDGET),
    ("budget, amount", BUDGET, {"budget.usd_per_month": 2000.0}),
    ("budget, address", BUDGET, {"budget.email": "other@example.com"}),
    ("alarms, on", {}, {"alarms": MAIL}),
    ("alarms, with a REST API", REST, {"alarms": MAIL}),
    ("alarms, thresholds", {"alarms": MAIL}, {"alarms.error_percent": 1.0, "alarms.saturation_percent": 90.0}),
    ("alarms, another topic", {"alarms": MAIL}, {"alarms": {"topic_arn": TOPIC}}),
    ("account, named", {}, {"account": "111122223333"}),
    ("termination_protection", {"account": "111122223333"}, {"termination_protection": True}),
    ("tags", {}, {"tags": {"owner": "platform"}}),
    ("permissions_boundary_arn", {}, {"permissions_boundary_arn": "arn:aws:iam::111122223333:policy/x"}),
]
