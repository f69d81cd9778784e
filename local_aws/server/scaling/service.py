"""Application Auto Scaling for SageMaker's variants: scalable targets and target tracking.

Nothing runs in the background: a request that describes or invokes an endpoint evaluates its policies, at most once a
second. The last minute (or ten seconds) decides, where AWS waits for several data points.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from local_aws.server import cloudwatch, emulator
from local_aws.server.errors import AwsError, validation
from local_aws.server.json_api import Answer, JsonApi, Request

SERVICE: Final = "application-autoscaling"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_COOLDOWN_SECONDS = 300
# docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html: scaling in is
# slower than scaling out. The share is ours.
_SLACK = 0.9
# Metric, statistic, and its period in seconds:
# docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html.
_PREDEFINED = {
    "SageMakerVariantInvocationsPerInstance": ("InvocationsPerInstance", "Sum", 60),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": ("ConcurrentRequestsPerModel", "Average", 10),
}


class Scaling:
    """The targets and policies of every account and region.

    Args:
        has_variant: returns whether an endpoint has a variant.

    """

    def __init__(self, has_variant: Callable[[str, str], bool]) -> None:
        self._has_variant = has_variant
        self._targets: MutableMapping[str, Answer] = emulator.store("scalable-targets")
        self._policies: MutableMapping[str, Answer] = emulator.store("scaling-policies")
        self._activities: MutableMapping[str, list[Answer]] = emulator.store("scaling-activities")
        self._evaluated: dict[str, float] = {}
        operations = {
            "RegisterScalableTarget": self._register,
            "DescribeScalableTargets": lambda r: {"ScalableTargets": self._of(self._targets, "ResourceId", r)},
            "DeregisterScalableTarget": self._deregister,
            "PutScalingPolicy": self._put_policy,
            "DescribeScalingPolicies": lambda r: {"ScalingPolicies": self._of(self._policies, "PolicyName", r)},
            "DeleteScalingPolicy": self._delete_policy,
            "DescribeScalingActivities": lambda r: {"ScalingActivities": self._activities.get(r.get("ResourceId"), [])},
        }
        self.api = JsonApi(SERVICE, "AnyScaleFrontendService", operations)

    def target(self, resource: str) -> Answer | None:
        """Return a scalable target by its resource id."""
        return self._targets.get(resource)

    def policy(self, arn: str) -> Answer | None:
        """Return a scaling policy by its ARN."""
        return next((policy for policy in self._policies.values() if policy["PolicyARN"] == arn), None)

    def remove_policy(self, arn: str) -> None:
        """Remove a scaling policy by its ARN; accept that it does not exist."""
        for name in [name for name, policy in self._policies.items() if policy["PolicyARN"] == arn]:
            del self._policies[name]

    def has_target(self, endpoint: str, variant: str) -> bool:
        """Return whether a variant is registered as a scalable target."""
        return _resource(endpoint, variant) in self._targets

    def desired_instances(self, endpoint: str, variant: str, instances: int) -> int:
        """Return how many instances a variant should have, by its load and its bounds.

        Args:
            endpoint: the endpoint's name.
            variant: the variant's.
            instances: how many it has.

        """
        resource = _resource(endpoint, variant)
        target = self._targets.get(resource)
        policies = [policy for policy in self._policies.values() if policy["ResourceId"] == resource]
        if not target or not policies or time.time() - self._evaluated.get(resource, 0) < 1:
            return instances
        self._evaluated[resource] = time.time()
        tracked = [p["TargetTrackingScalingPolicyConfiguration"] for p in policies]
        # With several policies, the largest number of instances counts.
        most = max(_tracked(endpoint, variant, instances, policy) for policy in tracked)
        bounded = min(max(most, target["MinCapacity"]), target["MaxCapacity"])
        direction = "Out" if bounded > instances else "In"
        cooldown = min(policy.get(f"Scale{direction}Cooldown", _COOLDOWN_SECONDS) for policy in tracked)
        last = self._activities.get(resource, [])
        if bounded == instances or (last and time.time() - last[0]["StartTime"] < cooldown):
            return instances
        return int(bounded)

    def record_activity(self, endpoint: str, variant: str, instances: int, *, problem: str = "") -> None:
        """Record the result of a scaling activity, the newest first."""
        resource = _resource(endpoint, variant)
        activity = {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": "sagemaker",
            "ResourceId": resource,
            "ScalableDimension": _DIMENSION,
            "Description": f"Setting desired instance count to {instances}.",
            "Cause": "a target tracking policy",
            "StartTime": time.time(),
            "StatusCode": "Failed" if problem else "Successful",
            **({"StatusMessage": problem} if problem else {}),
        }
        self._activities[resource] = [activity, *self._activities.get(resource, [])]

    # Operations

    def _register(self, request: Request) -> Answer:
        resource = self._checked(request)
        kept = self._targets.get(resource, {})
        known = {k: v for k, v in request.items() if k in ("MinCapacity", "MaxCapacity", "SuspendedState")}
        new = {**kept, **known, "ResourceId": resource, "ServiceNamespace": "sagemaker"}
        if "MinCapacity" not in new or "MaxCapacity" not in new:
            raise validation("MinCapacity and MaxCapacity are required to register a new scalable target.")
        # Zero needs inference components: docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.
        if not 1 <= new["MinCapacity"] <= new["MaxCapacity"]:
            raise validation("MinCapacity must be 1 or more for a variant, and not above MaxCapacity.")
        arn = kept.get("ScalableTargetARN") or f"arn:aws:{SERVICE}:{_where()}:scalable-target/{uuid.uuid4().hex[:20]}"
        role = (
            f"arn:aws:iam::{emulator.account()}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com"
        )
        name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        described = {"ScalableDimension": _DIMENSION, "RoleARN": f"{role}/{name}", "ScalableTargetARN": arn}
        self._targets[resource] = {**new, **described, "CreationTime": kept.get("CreationTime", time.time())}
        return {"ScalableTargetARN": arn}

    def _deregister(self, request: Request) -> Answer:
        resource = self._checked(request, registered=True)
        del self._targets[resource]
        for name in [name for name, policy in self._policies.items() if policy["ResourceId"] == resource]:
            del self._policies[name]
        return {}

    def _put_policy(self, request: Request) -> Answer:
        resource = self._checked(request, registered=True)
        if request.get("PolicyType") != "TargetTrackingScaling":
            raise AwsError("NotImplementedByLocalCloud", "The local cloud has target tracking only.", status=501)
        tracking = request["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking.get("PredefinedMetricSpecification")
        if bool(metric) == bool(tracking.get("CustomizedMetricSpecification")):  # wording ours
            raise validation(
                "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is required."
            )
        if metric and metric["PredefinedMetricType"] not in _PREDEFINED:
            raise validation(f"{metric['PredefinedMetricType']} is no metric of a SageMaker variant.")
        name = str(request["PolicyName"])
        arn = f"arn:aws:autoscaling:{_where()}:scalingPolicy:local:resource/sagemaker/{resource}:policyName/{name}"
        self._policies[f"{resource}:{name}"] = {**request, "PolicyARN": arn, "CreationTime": time.time()}
        return {"PolicyARN": arn, "Alarms": []}

    def _delete_policy(self, request: Request) -> Answer:
        name = f"{self._checked(request)}:{request['PolicyName']}"
        if name not in self._policies:
            raise AwsError("ObjectNotFoundException", f"No scaling policy found for {name}")
        del self._policies[name]
        return {}

    def _checked(self, request: Request, *, registered: bool = False) -> str:
        """Return the variant of a request."""
        resource = str(request["ResourceId"])
        _, endpoint, _, variant = [*resource.split("/"), "", "", ""][:4]
        if (request["ServiceNamespace"], request["ScalableDimension"]) != ("sagemaker", _DIMENSION):
            raise AwsError(
                "NotImplementedByLocalCloud", "The local cloud scales SageMaker's variants only.", status=501
            )
        if registered and resource not in self._targets:
            message = f"No scalable target found for service namespace: sagemaker, resource ID: {resource}, "
            raise AwsError("ObjectNotFoundException", f"{message}scalable dimension: {_DIMENSION}")
        # Effect inferred; wording ours. A registered target can be deleted after its endpoint.
        if not registered and not self._has_variant(endpoint, variant):
            raise validation(f"No variant found for resource ID: {resource}.")
        return resource

    @staticmethod
    def _of(kept: MutableMapping[str, Answer], key: str, request: Request) -> list[Answer]:
        """Return what a request describes: all, those that it lists in ``<key>s``, or those of its resource."""
        names, resource = request.get(f"{key}s"), request.get("ResourceId")
        found = [one for one in kept.values() if not resource or one["ResourceId"] == resource]
        return [one for one in found if not names or one[key] in names]


def _tracked(endpoint: str, variant: str, instances: int, policy: dict[str, Any]) -> int:
    """Return the instances that bring a policy's metric to its target; without data, the present number."""
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    custom = policy.get("CustomizedMetricSpecification")
    if custom:
        namespace, name, statistic, seconds = custom["Namespace"], custom["MetricName"], custom["Statistic"], 60
        dimensions = {d["Name"]: d["Value"] for d in custom.get("Dimensions", [])}
    else:
        kind = policy["PredefinedMetricSpecification"]["PredefinedMetricType"]
        namespace, (name, statistic, seconds) = "AWS/SageMaker", _PREDEFINED[kind]
    found = cloudwatch.metric(namespace, name, dimensions, seconds=seconds)
    if not found:
        return instances
    desired = math.ceil(instances * found[statistic] / float(policy["TargetValue"]) - 1e-9)
    if desired < instances and (policy.get("DisableScaleIn") or found[statistic] > _SLACK * policy["TargetValue"]):
        return instances
    return max(int(desired), 1)


def _resource(endpoint: str, variant: str) -> str:
    return f"endpoint/{endpoint}/variant/{variant}"


def _where() -> str:
    return f"{emulator.region()}:{emulator.account()}"
