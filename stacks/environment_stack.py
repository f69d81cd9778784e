"""What all stacks of an environment have in common."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack
from constructs import Construct

from stacks.names import stack_name
from stacks.settings import Settings


class EnvironmentStack(Stack):
    """A stack of an environment.

    Args:
        scope: the stage.
        construct_id: the id in the stage, one of ``names.STACKS``.
        environment: the environment's name.
        settings: the settings in its file.
        tags: the tags of the stack itself, not of its resources.
        description: the stack's description.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        settings: Settings,
        tags: Mapping[str, str],
        description: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=stack_name(environment, construct_id),
            tags=tags,
            termination_protection=settings.termination_protection,
            description=description,
        )
