"""The stack of what watches an environment. It knows the resources of the other stacks by their names."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.environment_stack import EnvironmentStack
from stacks.names import PROJECT
from stacks.settings import Settings
from stacks.settings.budget_section import Budget
from stacks.settings.errors import within


class OperationsStack(EnvironmentStack):
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
            environment=environment,
            settings=settings,
            tags=tags,
            description="Alarms, dashboard and budget of a language model on SageMaker",
        )
        if settings.alarms:
            from stacks.watching import alarms  # a budget does without

            alarms.add_alarms(self, environment, settings, settings.alarms)
        if settings.budget:
            self._watch_costs(environment, settings.budget, settings, tags)

    def _watch_costs(self, environment: str, budget: Budget, settings: Settings, tags: Mapping[str, str]) -> None:
        """Make the budget; settings without any address for it were refused."""
        from sagemaker_llm.operations.cost_watch import CostWatch  # two modules of the CDK, which alarms do without

        with within("budget"):
            watch = CostWatch(
                self,
                "CostWatch",
                name=f"{PROJECT}-{environment}",
                usd_per_month=budget.usd_per_month,
                email=budget.email or (settings.alarms.email if settings.alarms else None) or "",
                tags={key: tags[key] for key in ("project", "environment")},
            )
        CfnOutput(self, "CostToDo", value=watch.to_do)
