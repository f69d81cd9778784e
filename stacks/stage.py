"""One environment: the endpoint (slow, expensive), the proxy (fast, cheap), and what watches them, where it is set."""

from __future__ import annotations

from aws_cdk import Environment, PermissionsBoundary, Stage, Tags
from constructs import Construct

from sagemaker_llm import OptionError
from stacks import settings as settings_module
from stacks.endpoint_stack import EndpointStack
from stacks.names import PROJECT
from stacks.proxy_stack import ProxyStack
from stacks.settings import Settings


def declare(scope: Construct, name: str) -> LlmStage:
    """Read an environment's file and declare its stage.

    Raises:
        SettingsError: the file is wrong, or its values do not go together.

    """
    settings = settings_module.read(name)
    try:
        return LlmStage(scope, name, settings=settings)
    except OptionError as error:
        raise settings_module.refused(name, error) from None


class LlmStage(Stage):
    """All stacks of one environment.

    Args:
        scope: the app.
        name: the environment's name.
        settings: the settings in its file.

    """

    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        boundary = settings.permissions_boundary_arn
        super().__init__(
            scope,
            name,
            env=Environment(account=settings.account, region=settings.region),
            permissions_boundary=PermissionsBoundary.from_arn(boundary) if boundary else None,
        )
        tags = {"project": PROJECT, "environment": name, **settings.tags}
        on_resources = Tags.of(self)
        for key, value in tags.items():
            on_resources.add(key, value)
        # Tags.of leaves stacks out (@aws-cdk/core:explicitStackTags); `endpointctl orphans` looks for their tags.
        EndpointStack(self, "endpoint", environment=name, settings=settings, tags=tags)
        # In front of another container the proxy could return nothing but errors.
        proxy = None
        if settings.has_proxy:
            proxy = ProxyStack(self, "proxy", environment=name, settings=settings, tags=tags)
        if settings.has_operations:
            from stacks.operations_stack import OperationsStack  # most environments do without

            operations = OperationsStack(self, "operations", environment=name, settings=settings, tags=tags)
            if proxy and settings.alarms:
                operations.add_stack_dependency(proxy, "the proxy publishes its function's name")
