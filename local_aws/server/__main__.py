"""The server process of the local cloud: MiniStack with SageMaker. ``local_aws.runner.cloud`` starts it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

# The packages are installed without bytecode, and to compile MiniStack takes two seconds. A folder of its own keeps the
# bytecode of the server, and nothing of the functions that it starts.
if _bytecode := os.environ.get("LOCAL_AWS_BYTECODE"):
    sys.pycache_prefix, sys.dont_write_bytecode = _bytecode, False
# The server reads the data of the construct library; MiniStack's environment has no CDK.
sys.path.insert(0, str(Path(__file__).parents[2] / "constructs"))

from typing import Any

from local_aws import invocation_log
from local_aws.conditions import DECLARED_APIS_VARIABLE, VARIABLE, ConditionsFile
from local_aws.container import Container
from local_aws.invocation_log import InvocationLog
from local_aws.server import emulator, permissions, templates
from local_aws.server.account import costs
from local_aws.server.account.agreements import Agreements
from local_aws.server.account.pricing import Pricing
from local_aws.server.account.quotas import Quotas
from local_aws.server.clock import Clock
from local_aws.server.cloudformation import operations, template_conditions
from local_aws.server.cloudformation.service_role import ServiceRole
from local_aws.server.emulator import Response, ServiceHandler
from local_aws.server.front_doors import api_gateway, api_keys, streamed_responses, web_adapter
from local_aws.server.functions import actions as function_actions
from local_aws.server.functions import clock as function_clock
from local_aws.server.functions import events
from local_aws.server.json_api import JsonApi
from local_aws.server.monitoring import confirmations
from local_aws.server.monitoring import install as monitoring
from local_aws.server.parent import end_with_parent
from local_aws.server.sagemaker.resources import resource_types
from local_aws.server.sagemaker.runtime import Runtime
from local_aws.server.sagemaker.service import SageMaker
from local_aws.server.scaling import types as scaling_types
from local_aws.server.scaling.service import Scaling
from local_aws.server.scheduling import service as scheduling
from local_aws.server.scheduling.service import Scheduler


def main() -> None:
    """Add what MiniStack lacks, then serve until SIGTERM.

    Reads ``LOCAL_AWS_ENDPOINT_SECONDS`` (how long an endpoint takes to change; default 1), ``LOCAL_AWS_OPENAI_URL``
    and ``LOCAL_AWS_OPENAI_MODEL`` (an OpenAI-compatible server instead of the built-in model; default none),
    ``LOCAL_AWS_SOCKET`` (the number of a bound socket that it inherits; default a new one).
    """
    conditions = ConditionsFile(os.environ.get(VARIABLE))
    scaling = Scaling(lambda endpoint, variant: sagemaker.has_variant(endpoint, variant))
    default = float(os.environ.get("LOCAL_AWS_ENDPOINT_SECONDS", "1"))
    sagemaker = SageMaker(lambda: conditions.now().change_seconds(default), conditions, scaling)
    container = Container.from_settings(
        os.environ.get("LOCAL_AWS_OPENAI_URL"), os.environ.get("LOCAL_AWS_OPENAI_MODEL")
    )
    declared_apis = ConditionsFile(os.environ.get(DECLARED_APIS_VARIABLE))
    log = InvocationLog(Path(path).with_name(invocation_log.FILE) if (path := os.environ.get(VARIABLE)) else None)
    runtime = Runtime(sagemaker, container, conditions, declared_apis, log)
    clock = Clock(conditions)
    scheduler = Scheduler(clock)
    schedule_type = scheduling.resource_type(scheduler)
    explorer = costs.CostExplorer()
    for resource in [
        *resource_types(sagemaker),
        *scaling_types.resource_types(scaling),
        *explorer.resource_types(),
        costs.budget_type(),
        schedule_type,
    ]:
        emulator.add_resource_type(resource)
    emulator.run_waiting_types_on_worker_threads()
    emulator.add_service("sagemaker", _served(sagemaker.api, runtime))
    emulator.add_service("application-autoscaling", _served(scaling.api))
    emulator.add_service("servicequotas", _served(Quotas(conditions).api))
    emulator.add_service("pricing", _served(Pricing(conditions).api))
    emulator.add_service("ce", _served(explorer.api))
    emulator.add_service("aws-marketplace", _served(Agreements(conditions).api))
    emulator.count_plain_http_as_tls()
    emulator.check_function_urls_strictly()
    web_adapter.complete()
    streamed_responses.complete()
    api_gateway.complete()
    api_keys.complete()
    permissions.add_condition_keys()
    ServiceRole().complete()
    template_conditions.complete()
    operations.complete(clock, conditions)
    scheduler.complete()
    function_clock.complete(clock)
    events.complete()
    monitoring.complete(clock, sagemaker.endpoints)
    confirmations.complete()
    function_actions.complete()
    emulator.check_templates(templates.problems)
    emulator.keep_stores()
    threading.Thread(target=end_with_parent, daemon=True).start()
    emulator.serve(os.environ.get("LOCAL_AWS_SOCKET"))


def _served(api: JsonApi, runtime: Runtime | None = None) -> ServiceHandler:
    """Return the handler of one signing name: its JSON protocol, and the runtime where the service has one."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        if runtime and not api.answers(headers):
            return await runtime.answer(method, path, headers, body, query)
        return api.answer(headers, body, query)

    return handle


if __name__ == "__main__":
    main()
