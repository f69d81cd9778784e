"""Application Auto Scaling for SageMaker's variants: targets, target tracking, and what follows from them.

Nothing runs in the background: whoever looks at an endpoint or invokes it has the policies evaluated, at most once a
second. One look at the last minute (or ten seconds) decides, where AWS waits for several data points.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, MutableMapping
from typing import Any

from local_aws.server import emulator
from local_aws.server.emulator import Properties, ResourceType
from local_aws.server.errors import AwsError, validation
from local_aws.server.json_api import Answer, JsonApi, Request
from local_aws.server.request_validation import check, from_template
from local_aws.server.resource_schemas import SCALABLE_TARGET_IDENTIFIER

_SERVICE = "application-autoscaling"
_TARGET, _POLICY = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_COOLDOWN_SECONDS = 300
# docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html: scaling in is
# more careful than scaling out. The share is ours.
_SLACK = 0.9
# Metric, statistic, and the seconds that are looked at:
# docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html.
_PREDEFINED = {
    "SageMakerVariantInvocationsPerInstance": ("InvocationsPerInstance", "Sum", 60),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": ("ConcurrentRequestsPerModel", "Average", 10),
}


class Scaling:
    """The targets and policies of every account and region.

    Args:
        has_variant: tells whether an endpoint has a variant.

    """

    def __init__(self, has_variant: Callable[[str, str], bool]) -> None:
        self._has_variant = has_variant
        self._targets: MutableMapping[str, Answer] = emulator.store("scalable-targets")
        self._policies: MutableMapping[str, Answer] = emulator.store("scaling-policies")
        self._activities: MutableMapping[str, list[Answer]] = emulator.store("scaling-activities")
        self._looked: dict[str, float] = {}
        operations = {
            "RegisterScalableTarget": self._register,
            "DescribeScalableTargets": lambda r: {"ScalableTargets": self._of(self._targets, "ResourceId", r)},
            "DeregisterScalableTarget": self._deregister,
            "PutScalingPolicy": self._put_policy,
            "DescribeScalingPolicies": lambda r: {"ScalingPolicies": self._of(self._policies, "PolicyName", r)},
            "DeleteScalingPolicy": self._delete_policy,
            "DescribeScalingActivities": lambda r: {"ScalingActivities": self._activities.get(r.get("ResourceId"), [])},
        }
        self.api = JsonApi(_SERVICE, "AnyScaleFrontendService", operations)

    def has_target(self, endpoint: str, variant: str) -> bool:
        """Return whether a variant is registered as a scalable target."""
        return _resource(endpoint, variant) in self._targets

    def wanted(self, endpoint: str, variant: str, instances: int) -> int:
        """Return how many instances a variant shall have, by its load and its bounds.

        Args:
            endpoint: the endpoint's name.
            variant: the variant's.
            instances: how many it has.

        """
        resource = _resource(endpoint, variant)
        target = self._targets.get(resource)
        policies = [policy for policy in self._policies.values() if policy["ResourceId"] == resource]
        if not target or not policies or time.time() - self._looked.get(resource, 0) < 1:
            return instances
        self._looked[resource] = time.time()
        tracked = [p["TargetTrackingScalingPolicyConfiguration"] for p in policies]
        # With several policies the one that wants most instances wins.
        most = max(_tracked(endpoint, variant, instances, policy) for policy in tracked)
        bounded = min(max(most, target["MinCapacity"]), target["MaxCapacity"])
        direction = "Out" if bounded > instances else "In"
        cooldown = min(policy.get(f"Scale{direction}Cooldown", _COOLDOWN_SECONDS) for policy in tracked)
        last = self._activities.get(resource, [])
        if bounded == instances or (last and time.time() - last[0]["StartTime"] < cooldown):
            return instances
        return int(bounded)

    def scaled(self, endpoint: str, variant: str, instances: int, *, problem: str = "") -> None:
        """Keep what came of a decision, the newest first."""
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
        arn = kept.get("ScalableTargetARN") or f"arn:aws:{_SERVICE}:{_where()}:scalable-target/{uuid.uuid4().hex[:20]}"
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
            raise AwsError("NotImplementedByLocalCloud", "The local cloud tracks targets only.", status=501)
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
        """Return the variant that a request is about."""
        resource = str(request["ResourceId"])
        _, endpoint, _, variant = [*resource.split("/"), "", "", ""][:4]
        if (request["ServiceNamespace"], request["ScalableDimension"]) != ("sagemaker", _DIMENSION):
            raise AwsError(
                "NotImplementedByLocalCloud", "The local cloud scales SageMaker's variants only.", status=501
            )
        if registered and resource not in self._targets:
            said = f"No scalable target found for service namespace: sagemaker, resource ID: {resource}, "
            raise AwsError("ObjectNotFoundException", f"{said}scalable dimension: {_DIMENSION}")
        # Effect inferred; wording ours. What is registered may go when its endpoint is gone.
        if not registered and not self._has_variant(endpoint, variant):
            raise validation(f"No variant found for resource ID: {resource}.")
        return resource

    @staticmethod
    def _of(kept: MutableMapping[str, Answer], key: str, request: Request) -> list[Answer]:
        """Return what a request describes: all, those that it names in ``<key>s``, or those of its resource."""
        names, resource = request.get(f"{key}s"), request.get("ResourceId")
        found = [one for one in kept.values() if not resource or one["ResourceId"] == resource]
        return [one for one in found if not names or one[key] in names]

    # CloudFormation

    def resource_types(self) -> list[ResourceType]:
        """Return CloudFormation's two types, ready to be registered."""
        return [self._target_type(), self._policy_type()]

    def _call(self, operation: str, properties: Properties) -> Answer:
        try:
            return self.api.call(operation, from_template(_SERVICE, operation, properties))
        except AwsError as error:
            raise ValueError(
                f"{error.message} (Service: ApplicationAutoScaling, Status Code: {error.status}, {error.code})"
            ) from None

    @staticmethod
    def _check_schedule(action: Request) -> None:
        """Refuse what the API would: a schedule is checked, and not run."""
        try:
            check(_SERVICE, "PutScheduledAction", from_template(_SERVICE, "PutScheduledAction", action))
        except AwsError as error:
            raise ValueError(str(error.message)) from None

    def _target_type(self) -> ResourceType:
        def put(properties: Properties) -> tuple[str, Properties]:
            for action in properties.get("ScheduledActions", []):
                self._check_schedule({**{key: properties[key] for key in SCALABLE_TARGET_IDENTIFIER}, **action})
            # CloudFormation has a list of tags, the API a map; both are only kept.
            left_out = ("ScheduledActions", "RoleARN", "Tags")
            request = {key: value for key, value in properties.items() if key not in left_out}
            self._call("RegisterScalableTarget", request)
            name = "|".join(properties[key] for key in SCALABLE_TARGET_IDENTIFIER)
            return name, {"Id": name}

        def create(_logical_id: str, properties: Properties, _stack: str) -> tuple[str, Properties]:
            if properties["ResourceId"] in self._targets:
                raise ValueError(f"{properties['ResourceId']} already exists")
            return put(properties)

        def delete(name: str, _properties: Properties) -> None:
            request = dict(zip(SCALABLE_TARGET_IDENTIFIER, name.split("|"), strict=True))
            if request["ResourceId"] in self._targets:
                self._call("DeregisterScalableTarget", request)

        return ResourceType(
            name=_TARGET,
            create=create,
            update=lambda _name, _old, new, _stack: put(new),
            delete=delete,
            read=lambda name, _properties: self._targets.get(name.split("|")[0]),
            readable=frozenset({"MinCapacity", "MaxCapacity"}),
        )

    def _policy_type(self) -> ResourceType:
        def put(properties: Properties) -> tuple[str, Properties]:
            request = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
            if "ScalingTargetId" in properties:
                request |= zip(SCALABLE_TARGET_IDENTIFIER, properties["ScalingTargetId"].split("|"), strict=True)
            arn = self._call("PutScalingPolicy", request)["PolicyARN"]
            return arn, {"Arn": arn, "Id": arn}

        def delete(arn: str, _properties: Properties) -> None:
            for name in [name for name, policy in self._policies.items() if policy["PolicyARN"] == arn]:
                del self._policies[name]

        return ResourceType(
            name=_POLICY,
            create=lambda _logical_id, properties, _stack: put(properties),
            update=lambda _arn, _old, new, _stack: put(new),
            delete=delete,
            read=lambda arn, _p: next((p for p in self._policies.values() if p["PolicyARN"] == arn), None),
            readable=frozenset(),
        )


def _tracked(endpoint: str, variant: str, instances: int, policy: dict[str, Any]) -> int:
    """Return the instances that bring a policy's metric to its target; without data, those that there are."""
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    custom = policy.get("CustomizedMetricSpecification")
    if custom:
        namespace, name, statistic, seconds = custom["Namespace"], custom["MetricName"], custom["Statistic"], 60
        dimensions = {d["Name"]: d["Value"] for d in custom.get("Dimensions", [])}
    else:
        kind = policy["PredefinedMetricSpecification"]["PredefinedMetricType"]
        namespace, (name, statistic, seconds) = "AWS/SageMaker", _PREDEFINED[kind]
    found = emulator.metric(namespace, name, dimensions, seconds=seconds)
    if not found:
        return instances
    wanted = math.ceil(instances * found[statistic] / float(policy["TargetValue"]) - 1e-9)
    if wanted < instances and (policy.get("DisableScaleIn") or found[statistic] > _SLACK * policy["TargetValue"]):
        return instances
    return max(int(wanted), 1)


def _resource(endpoint: str, variant: str) -> str:
    return f"endpoint/{endpoint}/variant/{variant}"


def _where() -> str:
    return f"{emulator.region()}:{emulator.account()}"
