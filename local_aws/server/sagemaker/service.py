"""The control plane: the operations on models, endpoint configs and endpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, MutableMapping
from typing import Any

from local_aws.conditions import ConditionsFile
from local_aws.server import emulator
from local_aws.server.errors import AwsError, validation
from local_aws.server.json_api import Answer, JsonApi, Request
from local_aws.server.sagemaker import packages, placement, rules
from local_aws.server.sagemaker.autoscaler import Autoscaler
from local_aws.server.sagemaker.endpoint import LIVE_PROPERTIES, Endpoint, Fleet, with_live_properties
from local_aws.server.sagemaker.resource_store import ResourceStore, arn
from local_aws.server.sagemaker.tags import Tags
from sagemaker_llm import ModelPackage

_NAMED_BY = (("EndpointName", "endpoint"), ("EndpointConfigName", "endpoint-config"), ("ModelName", "model"))


class SageMaker:
    """Models, endpoint configs and endpoints of every account and region.

    Args:
        seconds: returns how long an endpoint takes to be created, updated or deleted.
        conditions: the state of the account.
        scaling: the scalable targets, and how many instances they should have.

    """

    def __init__(self, seconds: Callable[[], float], conditions: ConditionsFile, scaling: Autoscaler) -> None:
        self.seconds = seconds
        self._scaling = scaling
        self._conditions = conditions
        self._models = ResourceStore("model", "models")
        self._configs = ResourceStore("endpoint-config", "configs")
        self._endpoints: MutableMapping[str, Endpoint] = emulator.store("endpoints")
        self._tags = Tags()
        operations = {
            "CreateModel": self._create_model,
            "DescribeModel": lambda r: self._models.find(r["ModelName"]),
            "DeleteModel": lambda r: self._remove(self._models, r["ModelName"]),
            "ListModels": lambda r: {"Models": self._models.summaries(r)},
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": lambda r: self._configs.find(r["EndpointConfigName"]),
            "DeleteEndpointConfig": lambda r: self._remove(self._configs, r["EndpointConfigName"]),
            "ListEndpointConfigs": lambda r: {"EndpointConfigs": self._configs.summaries(r)},
            "CreateEndpoint": self._create_endpoint,
            "UpdateEndpoint": self._update_endpoint,
            "UpdateEndpointWeightsAndCapacities": self._update_weights,
            "DescribeEndpoint": lambda r: self._describe(self.endpoint(r["EndpointName"])),
            "DeleteEndpoint": self._delete_endpoint,
            "ListEndpoints": self._list_endpoints,
            "DescribeModelPackage": lambda r: packages.describe(r["ModelPackageName"], self._conditions.now()),
            **self._tags.operations,
        }
        self.api = JsonApi("sagemaker", "SageMaker", operations, self._resource)

    def call(self, operation: str, request: Request) -> Answer:
        """Carry out one operation.

        Raises:
            AwsError: the error that SageMaker would return.

        """
        return self.api.call(operation, request)

    def has_variant(self, endpoint_name: str, variant_name: str) -> bool:
        """Return whether an endpoint exists and has a variant."""
        found = self._endpoints.get(endpoint_name.lower())
        return bool(found and not found.is_gone and variant_name in found.fleet.types)

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints of the present account and region."""
        return [one for one in list(self._endpoints.values()) if not one.is_gone]

    def endpoint(self, name: str) -> Endpoint:
        """Return an endpoint by its name, which is case-insensitive on SageMaker's side.

        Raises:
            AwsError: it does not exist.

        """
        with self.api.lock:
            found = self._endpoints.get(name.lower())
            if found and not found.is_gone:
                found.settle()
                self._scale(found)
                return found
            self._endpoints.pop(name.lower(), None)
        raise validation(f'Could not find endpoint "{arn("endpoint", name)}".')

    def package_behind(self, serving: Fleet, variant: dict[str, Any]) -> ModelPackage:
        """Return the package of a variant of a fleet."""
        pools = {pool["InstanceType"]: pool for pool in variant.get("InstancePools", [])}
        chosen = pools.get(serving.types[variant["VariantName"]], {})
        return self._package_of(chosen.get("ModelNameOverride", variant["ModelName"]))

    def _resource(self, request: Request) -> str:
        """Return the ARN of a request's resource, for IAM policies."""
        if "ResourceArn" in request:
            return str(request["ResourceArn"])
        if str(request.get("ModelPackageName", "")).startswith("arn:"):
            return str(request["ModelPackageName"])  # the seller's, in another account
        return next((arn(kind, request[key]) for key, kind in _NAMED_BY if key in request), "*")

    # Models

    def _create_model(self, request: Request) -> Answer:
        name = request["ModelName"]
        self._models.refuse_existing(name)
        rules.check_model(request, emulator.region(), self._conditions.now())
        role = request.get("ExecutionRoleArn")
        if not role or not emulator.role_exists(role):
            raise validation(f"Could not assume role {role}. Please ensure that the role exists.")
        return {"ModelArn": self._add(self._models, name, {"EnableNetworkIsolation": False, **request})}

    # Endpoint configs

    def _create_config(self, request: Request) -> Answer:
        name = request["EndpointConfigName"]
        self._configs.refuse_existing(name)
        variants = [{"InitialVariantWeight": 1.0, **variant} for variant in request["ProductionVariants"]]
        rules.check_config(request, self._conditions.now())
        for variant in variants:
            rules.check_variant(variant, self._models.find(variant.get("ModelName", "")))
            for pool in variant.get("InstancePools", [variant]):
                package = self._package_of(pool.get("ModelNameOverride", variant["ModelName"]))
                rules.check_instance_type(package, pool["InstanceType"])
        return {"EndpointConfigArn": self._add(self._configs, name, {**request, "ProductionVariants": variants})}

    @staticmethod
    def _remove(resources: ResourceStore, name: str) -> Answer:
        resources.remove(name)
        return {}

    def _add(self, resources: ResourceStore, name: str, request: Request) -> str:
        tags = request.pop("Tags", [])
        added = resources.add(name, request)
        self._tags.set(added, tags)
        return added

    # Endpoints

    def _create_endpoint(self, request: Request) -> Answer:
        rules.check_deployment(request)
        name, config = request["EndpointName"], self._configs.find(request["EndpointConfigName"])
        if (existing := self._endpoints.get(name.lower())) and not existing.is_gone:
            raise validation(f'Cannot create already existing endpoint "{existing.arn}".')
        fleet, failure = self._fleet(config["EndpointConfigName"], config["ProductionVariants"])
        self._endpoints[name.lower()] = endpoint = Endpoint(name, arn("endpoint", name), fleet, self.seconds(), failure)
        self._tags.set(endpoint.arn, request.get("Tags", []))
        return {"EndpointArn": endpoint.arn}

    def _update_endpoint(self, request: Request) -> Answer:
        rules.check_deployment(request)
        endpoint, config = self.endpoint(request["EndpointName"]), self._configs.find(request["EndpointConfigName"])
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
            variants = with_live_properties(variants, endpoint.fleet.variants, dropped)
        endpoint.change(*self._fleet(config["EndpointConfigName"], variants), self.seconds())
        return {"EndpointArn": endpoint.arn}

    def _update_weights(self, request: Request) -> Answer:
        endpoint = self.endpoint(request["EndpointName"])
        self._refuse_busy(endpoint, unless=("InService",))
        desired = {one["VariantName"]: one for one in request["DesiredWeightsAndCapacities"]}
        if unknown := sorted(set(desired) - set(endpoint.fleet.types)):
            raise validation(f'Could not find variant "{unknown[0]}" of endpoint "{endpoint.arn}".')
        self._resize(endpoint, desired)
        return {"EndpointArn": endpoint.arn}

    def _resize(self, endpoint: Endpoint, desired: dict[str, dict[str, Any]]) -> None:
        """Change counts and weights of the fleet: no second fleet is created."""
        variants = [
            {**v, **{ours: change[theirs] for theirs, ours in LIVE_PROPERTIES.items() if theirs in change}}
            for v in endpoint.fleet.variants
            for change in [desired.get(v["VariantName"], {})]
        ]
        endpoint.change(*self._fleet(endpoint.fleet.config_name, variants, resized=endpoint), self.seconds())

    def _scale(self, endpoint: Endpoint) -> None:
        """Apply the scaling policies, when no other change is in progress."""
        if self._status(endpoint) != "InService":
            return
        for variant in endpoint.fleet.variants:
            name, count = variant["VariantName"], variant["InitialInstanceCount"]
            desired = self._scaling.desired_instances(endpoint.name, name, count)
            if desired != count:
                problem = ""
                try:
                    self._resize(endpoint, {name: {"DesiredInstanceCount": desired}})
                except AwsError as error:
                    problem = str(error.message)
                self._scaling.record_activity(endpoint.name, name, desired, problem=problem)
                return

    def _fleet(
        self, config_name: str, variants: list[dict[str, Any]], resized: Endpoint | None = None
    ) -> tuple[Fleet, str]:
        """Return the new fleet and why it will fail; refuse what SageMaker refuses at once."""
        in_use: Counter[str] = Counter()
        for endpoint in self.endpoints():
            if endpoint is not resized:
                in_use += endpoint.instances()
        types, failure = placement.place(variants, in_use, self._conditions.now(), self._package_of)
        return Fleet(config_name, variants, types), failure

    def _package_of(self, model_name: str) -> ModelPackage:
        """Return a model's package."""
        return ModelPackage.from_arn(self._models.find(model_name)["PrimaryContainer"]["ModelPackageName"])

    def _delete_endpoint(self, request: Request) -> Answer:
        endpoint = self.endpoint(request["EndpointName"])
        self._refuse_busy(endpoint, unless=("InService", "Failed", "Deleting"))
        endpoint.delete(self.seconds())
        self._tags.remove(endpoint.arn)
        return {}

    def _status(self, endpoint: Endpoint) -> str:
        """Return an endpoint's status; ``SystemUpdating`` while the conditions say that AWS maintains it."""
        maintained = any(part in endpoint.name for part in self._conditions.now().system_updating)
        return "SystemUpdating" if maintained and endpoint.status == "InService" else endpoint.status

    def _refuse_busy(self, endpoint: Endpoint, *, unless: tuple[str, ...]) -> None:
        if self._status(endpoint) not in unless:
            raise validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')

    def _describe(self, endpoint: Endpoint) -> Answer:
        return endpoint.description(self._status(endpoint))

    def _list_endpoints(self, request: Request) -> Answer:
        part = request.get("NameContains", "").lower()
        found = sorted((e for e in self.endpoints() if part in e.name.lower()), key=lambda e: e.name.lower())
        keys = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        return {"Endpoints": [{key: one[key] for key in keys} for one in map(self._describe, found)]}
