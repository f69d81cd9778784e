"""The control plane: models, endpoint configs and endpoints, and what SageMaker refuses of them."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import MutableMapping
from typing import Any, Protocol

from local_aws.conditions import ConditionsFile
from local_aws.server import emulator
from local_aws.server.errors import AwsError, validation
from local_aws.server.json_api import Answer, JsonApi, Request
from local_aws.server.sagemaker import packages, placement, rules
from local_aws.server.sagemaker.endpoint import Endpoint, Fleet
from sagemaker_llm import ModelPackage

_NAMED_BY = (("EndpointName", "endpoint"), ("EndpointConfigName", "endpoint-config"), ("ModelName", "model"))


class Scales(Protocol):
    """What SageMaker knows of autoscaling."""

    def has_target(self, endpoint: str, variant: str) -> bool:
        """Return whether a variant is registered."""

    def wanted(self, endpoint: str, variant: str, instances: int) -> int:
        """Return how many instances a variant shall have now."""

    def scaled(self, endpoint: str, variant: str, instances: int, *, problem: str = "") -> None:
        """Learn what came of it."""


class SageMaker:
    """Models, endpoint configs and endpoints of every account and region.

    Args:
        seconds: how long an endpoint takes to be created, updated or deleted.
        conditions: what the account has and has not.
        scaling: which variants are registered for autoscaling, and how many instances they shall have.

    """

    def __init__(self, seconds: float, conditions: ConditionsFile, scaling: Scales) -> None:
        self.seconds = seconds
        self._scaling = scaling
        self._conditions = conditions
        self._models: MutableMapping[str, Answer] = emulator.store("models")
        self._configs: MutableMapping[str, Answer] = emulator.store("configs")
        self._endpoints: MutableMapping[str, Endpoint] = emulator.store("endpoints")
        self._tags: MutableMapping[str, list[dict[str, str]]] = emulator.store("tags")
        operations = {
            "CreateModel": self._create_model,
            "DescribeModel": lambda r: self._model(r["ModelName"]),
            "DeleteModel": self._delete_model,
            "ListModels": lambda r: {"Models": self._list(self._models, "Model", r)},
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": lambda r: self._config(r["EndpointConfigName"]),
            "DeleteEndpointConfig": self._delete_config,
            "ListEndpointConfigs": lambda r: {"EndpointConfigs": self._list(self._configs, "EndpointConfig", r)},
            "CreateEndpoint": self._create_endpoint,
            "UpdateEndpoint": self._update_endpoint,
            "UpdateEndpointWeightsAndCapacities": self._update_weights,
            "DescribeEndpoint": lambda r: self._describe(self.endpoint(r["EndpointName"])),
            "DeleteEndpoint": self._delete_endpoint,
            "ListEndpoints": self._list_endpoints,
            "DescribeModelPackage": lambda r: packages.describe(r["ModelPackageName"], self._conditions.now()),
            "AddTags": self._add_tags,
            "ListTags": lambda r: {"Tags": self._tags.get(r["ResourceArn"], [])},
            "DeleteTags": self._delete_tags,
        }
        self.api = JsonApi("sagemaker", "SageMaker", operations, self._resource)

    def call(self, operation: str, request: Request) -> Answer:
        """Carry out one operation.

        Raises:
            AwsError: what SageMaker would answer instead.

        """
        return self.api.call(operation, request)

    def has_variant(self, endpoint_name: str, variant_name: str) -> bool:
        """Return whether an endpoint is there and has a variant."""
        found = self._endpoints.get(endpoint_name.lower())
        return bool(found and not found.is_gone and variant_name in found.fleet.types)

    def endpoint(self, name: str) -> Endpoint:
        """Return an endpoint by its name, which is case-insensitive on SageMaker's side.

        Raises:
            AwsError: it does not exist, or no longer.

        """
        with self.api.lock:
            found = self._endpoints.get(name.lower())
            if found and not found.is_gone:
                found.settle()
                self._scale(found)
                return found
            self._endpoints.pop(name.lower(), None)
        raise validation(f'Could not find endpoint "{self.arn("endpoint", name)}".')

    def package_behind(self, serving: Fleet, variant: dict[str, Any]) -> ModelPackage:
        """Return the package whose container answers for a variant of a fleet."""
        pools = {pool["InstanceType"]: pool for pool in variant.get("InstancePools", [])}
        chosen = pools.get(serving.types[variant["VariantName"]], {})
        return self._package_of(chosen.get("ModelNameOverride", variant["ModelName"]))

    @staticmethod
    def arn(kind: str, name: str) -> str:
        """Return the ARN of a model, endpoint config or endpoint; the name part is lower case."""
        return f"arn:aws:sagemaker:{emulator.region()}:{emulator.account()}:{kind}/{name.lower()}"

    def _resource(self, request: Request) -> str:
        """Return the ARN that a policy has to name for a request."""
        if "ResourceArn" in request:
            return str(request["ResourceArn"])
        return next((self.arn(kind, request[key]) for key, kind in _NAMED_BY if key in request), "*")

    # Models

    def _create_model(self, request: Request) -> Answer:
        name = request["ModelName"]
        self._refuse_existing(self._models, "model", name)
        rules.check_model(request, emulator.region(), self._conditions.now())
        role = request.get("ExecutionRoleArn")
        if not role or not emulator.role_exists(role):
            raise validation(f"Could not assume role {role}. Please ensure that the role exists.")
        arn = self._keep(self._models, "model", name, {"EnableNetworkIsolation": False, **request})
        return {"ModelArn": arn}

    def _model(self, name: str) -> Answer:
        return self._find(self._models, "model", name)

    def _delete_model(self, request: Request) -> Answer:
        self._model(request["ModelName"])
        del self._models[request["ModelName"]]
        return {}

    # Endpoint configs

    def _create_config(self, request: Request) -> Answer:
        name = request["EndpointConfigName"]
        self._refuse_existing(self._configs, "endpoint-config", name)
        variants = [{"InitialVariantWeight": 1.0, **variant} for variant in request["ProductionVariants"]]
        rules.check_config(request, self._conditions.now())
        for variant in variants:
            rules.check_variant(variant, self._model(variant.get("ModelName", "")))
            for pool in variant.get("InstancePools", [variant]):
                package = self._package_of(pool.get("ModelNameOverride", variant["ModelName"]))
                rules.check_instance_type(package, pool["InstanceType"])
        arn = self._keep(self._configs, "endpoint-config", name, {**request, "ProductionVariants": variants})
        return {"EndpointConfigArn": arn}

    def _config(self, name: str) -> Answer:
        return self._find(self._configs, "endpoint-config", name)

    def _delete_config(self, request: Request) -> Answer:
        self._config(request["EndpointConfigName"])
        del self._configs[request["EndpointConfigName"]]
        return {}

    # Endpoints

    def _create_endpoint(self, request: Request) -> Answer:
        rules.check_deployment(request)
        name, config = request["EndpointName"], self._config(request["EndpointConfigName"])
        existing = self._endpoints.get(name.lower())
        if existing and not existing.is_gone:
            raise validation(f'Cannot create already existing endpoint "{existing.arn}".')
        fleet, failure = self._fleet(config["EndpointConfigName"], config["ProductionVariants"])
        endpoint = Endpoint(name, self.arn("endpoint", name), fleet, self.seconds, failure)
        self._endpoints[name.lower()] = endpoint
        self._tags[endpoint.arn] = request.get("Tags", [])
        return {"EndpointArn": endpoint.arn}

    def _update_endpoint(self, request: Request) -> Answer:
        rules.check_deployment(request)
        endpoint, config = self.endpoint(request["EndpointName"]), self._config(request["EndpointConfigName"])
        self._refuse_busy(endpoint, unless=("InService",))
        variants = config["ProductionVariants"]
        for name in rules.variants_with_other_types(endpoint.fleet.variants, variants):
            # docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html; wording ours.
            if self._scaling.has_target(endpoint.name, name):
                raise validation(
                    f'The variant "{name}" of endpoint "{endpoint.arn}" is registered as a scalable target: deregister '
                    "it before you change its instance type or remove it."
                )
        if request.get("RetainAllVariantProperties"):
            dropped = {p["VariantPropertyType"] for p in request.get("ExcludeRetainedVariantProperties", [])}
            variants = _with_live_properties(variants, endpoint.fleet.variants, dropped)
        endpoint.change(*self._fleet(config["EndpointConfigName"], variants))
        return {"EndpointArn": endpoint.arn}

    def _update_weights(self, request: Request) -> Answer:
        endpoint = self.endpoint(request["EndpointName"])
        self._refuse_busy(endpoint, unless=("InService",))
        wanted = {one["VariantName"]: one for one in request["DesiredWeightsAndCapacities"]}
        if unknown := sorted(set(wanted) - set(endpoint.fleet.types)):
            raise validation(f'Could not find variant "{unknown[0]}" of endpoint "{endpoint.arn}".')
        self._resize(endpoint, wanted)
        return {"EndpointArn": endpoint.arn}

    def _resize(self, endpoint: Endpoint, wanted: dict[str, dict[str, Any]]) -> None:
        """Change counts and weights: more of the same instances, no second fleet."""
        variants = [
            {**v, **{ours: asked[theirs] for theirs, ours in _LIVE_PROPERTIES.items() if theirs in asked}}
            for v in endpoint.fleet.variants
            for asked in [wanted.get(v["VariantName"], {})]
        ]
        endpoint.change(*self._fleet(endpoint.fleet.config_name, variants, resized=endpoint))

    def _scale(self, endpoint: Endpoint) -> None:
        """Do what the scaling policies want, when nothing else is under way."""
        if self._status(endpoint) != "InService":
            return
        for variant in endpoint.fleet.variants:
            name, count = variant["VariantName"], variant["InitialInstanceCount"]
            wanted = self._scaling.wanted(endpoint.name, name, count)
            if wanted != count:
                problem = ""
                try:
                    self._resize(endpoint, {name: {"DesiredInstanceCount": wanted}})
                except AwsError as error:
                    problem = str(error.message)
                self._scaling.scaled(endpoint.name, name, wanted, problem=problem)
                return

    def _fleet(
        self, config_name: str, variants: list[dict[str, Any]], resized: Endpoint | None = None
    ) -> tuple[Fleet, str]:
        """Return the fleet that is wanted, and why it will fail; refuse what SageMaker refuses at once."""
        in_use: Counter[str] = Counter()
        for endpoint in self._endpoints.values():
            if not endpoint.is_gone and endpoint is not resized:
                in_use += endpoint.instances()
        types, failure = placement.place(variants, in_use, self._conditions.now(), self._package_of)
        return Fleet(config_name, variants, types), failure

    def _package_of(self, model_name: str) -> ModelPackage:
        """Return a model's package."""
        return ModelPackage.from_arn(self._model(model_name)["PrimaryContainer"]["ModelPackageName"])

    def _delete_endpoint(self, request: Request) -> Answer:
        endpoint = self.endpoint(request["EndpointName"])
        self._refuse_busy(endpoint, unless=("InService", "Failed", "Deleting"))
        endpoint.delete()
        self._tags.pop(endpoint.arn, None)
        return {}

    def _status(self, endpoint: Endpoint) -> str:
        """Return an endpoint's status, as AWS's own maintenance lets it be."""
        status = endpoint.status
        maintained = any(part in endpoint.name for part in self._conditions.now().system_updating)
        return "SystemUpdating" if maintained and status == "InService" else status

    def _refuse_busy(self, endpoint: Endpoint, *, unless: tuple[str, ...]) -> None:
        if self._status(endpoint) not in unless:
            raise validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')

    def _describe(self, endpoint: Endpoint) -> Answer:
        serving = endpoint.serving
        variants = [
            {
                "VariantName": v["VariantName"],
                "CurrentWeight": v["InitialVariantWeight"],
                "DesiredWeight": v["InitialVariantWeight"],
                "CurrentInstanceCount": v["InitialInstanceCount"],
                "DesiredInstanceCount": v["InitialInstanceCount"],
            }
            for v in (serving.variants if serving else [])
        ]
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": (serving or endpoint.fleet).config_name,
            "EndpointStatus": self._status(endpoint),
            "CreationTime": endpoint.created,
            "LastModifiedTime": endpoint.modified,
            **({"FailureReason": endpoint.failure_reason} if endpoint.failure_reason else {}),
            **({"ProductionVariants": variants} if variants else {}),
        }

    def _list_endpoints(self, request: Request) -> Answer:
        wanted = request.get("NameContains", "").lower()
        found = [e for name, e in sorted(self._endpoints.items()) if wanted in name and not e.is_gone]
        keys = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        described = [self._describe(endpoint) for endpoint in found]
        return {"Endpoints": [{key: one[key] for key in keys} for one in described]}

    # Tags

    def _add_tags(self, request: Request) -> Answer:
        arn = request["ResourceArn"]
        added = {tag["Key"] for tag in request["Tags"]}
        self._tags[arn] = [t for t in self._tags.get(arn, []) if t["Key"] not in added] + request["Tags"]
        return {"Tags": self._tags[arn]}

    def _delete_tags(self, request: Request) -> Answer:
        arn, gone = request["ResourceArn"], set(request["TagKeys"])
        self._tags[arn] = [t for t in self._tags.get(arn, []) if t["Key"] not in gone]
        return {}

    # What the three kinds have in common

    def _keep(self, kind_store: MutableMapping[str, Answer], kind: str, name: str, request: Request) -> str:
        arn, title = self.arn(kind, name), _title(kind)
        tags = request.pop("Tags", [])
        kind_store[name] = {**request, f"{title}Arn": arn, "CreationTime": time.time()}
        self._tags[arn] = tags
        return arn

    def _find(self, kind_store: MutableMapping[str, Answer], kind: str, name: str) -> Answer:
        found = kind_store.get(name)
        if found is None:
            raise validation(f'Could not find {kind.replace("-", " ")} "{self.arn(kind, name)}".')
        return found

    def _refuse_existing(self, kind_store: MutableMapping[str, Answer], kind: str, name: str) -> None:
        if name in kind_store:
            raise validation(f'Cannot create already existing {kind.replace("-", " ")} "{self.arn(kind, name)}".')

    @staticmethod
    def _list(kind_store: MutableMapping[str, Answer], title: str, request: Request) -> list[Answer]:
        wanted = request.get("NameContains", "")
        keys = (f"{title}Name", f"{title}Arn", "CreationTime")
        return [{key: kept[key] for key in keys} for name, kept in sorted(kind_store.items()) if wanted in name]


def _title(kind: str) -> str:
    return "".join(re.findall(r"[A-Z]\w*", kind.title()))


_LIVE_PROPERTIES = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}


def _with_live_properties(
    new: list[dict[str, Any]], live: list[dict[str, Any]], excluded: set[str]
) -> list[dict[str, Any]]:
    """Keep what each variant has now, as RetainAllVariantProperties asks for, but for the excluded properties."""
    kept = {v["VariantName"]: v for v in live}
    properties = [p for name, p in _LIVE_PROPERTIES.items() if name not in excluded]
    return [{**v, **{p: kept.get(v["VariantName"], v)[p] for p in properties if p in v}} for v in new]
