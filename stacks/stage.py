"""One environment: the endpoint (slow, expensive, rarely changed) and the proxy (fast, cheap, often changed)."""

from __future__ import annotations

from aws_cdk import Environment, Stage, Tags
from constructs import Construct

from stacks.endpoint_stack import EndpointStack
from stacks.names import PROJECT, stack_name
from stacks.proxy_stack import ProxyStack
from stacks.settings import Settings


class LlmStage(Stage):
    """All stacks of one environment.

    Args:
        scope: the app.
        name: the environment's name.
        settings: what its file says.

    """

    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        super().__init__(scope, name, env=Environment(account=settings.account, region=settings.region))
        protection = settings.termination_protection
        EndpointStack(
            self,
            "endpoint",
            stack_name=stack_name(name, "endpoint"),
            settings=settings,
            termination_protection=protection,
        )
        ProxyStack(
            self, "proxy", stack_name=stack_name(name, "proxy"), settings=settings, termination_protection=protection
        )
        for key, value in {"project": PROJECT, "environment": name, **settings.tags}.items():
            Tags.of(self).add(key, value)
