"""The stack of what watches an environment. It knows the resources of the other stacks by their names."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack
from constructs import Construct

from stacks import watching
from stacks.names import stack_name
from stacks.settings import Settings


class OperationsStack(Stack):
    """What watches the endpoint and the proxy of one environment.

    Args:
        scope: the stage.
        construct_id: the id in the stage, ``operations``.
        environment: the environment's name.
        settings: the settings in its file; its ``alarms`` or ``budget`` is set.
        tags: the tags of the stack itself, not of its resources.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: str, settings: Settings, tags: Mapping[str, str]
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=stack_name(environment, construct_id),
            tags=tags,
            termination_protection=settings.termination_protection,
            description="Alarms, dashboard and budget of a language model on SageMaker",
        )
        if settings.alarms:
            watching.add_alarms(self, environment, settings, settings.alarms)
