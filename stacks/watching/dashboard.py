"""The dashboard of an environment, from its settings."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack

from sagemaker_llm import InstanceType
from sagemaker_llm.limits import VARIANT_NAME
from sagemaker_llm.operations.alarms.endpoint import WatchedVariant
from sagemaker_llm.operations.dashboard import Dashboard
from sagemaker_llm.operations.widgets import Content, PricedVariant, Users
from stacks.names import alarm_prefix
from stacks.settings import Settings
from stacks.watching import custom_metrics


def add_dashboard(
    stack: Stack, environment: str, settings: Settings, *, alarm_arns: Sequence[str], deadline_seconds: float
) -> None:
    """Declare the dashboard.

    Args:
        stack: its stack.
        environment: the environment's name.
        settings: the settings in its file.
        alarm_arns: the alarms that it shows.
        deadline_seconds: how long an answer may take.

    """
    variants = [
        _priced(settings, name, variant.types_and_models(model)[0][0])
        for name, (_, model, variant) in zip(
            (VARIANT_NAME, *settings.endpoint.more_variants), settings.variants(), strict=True
        )
    ]
    content = Content(
        variants=variants,
        deadline_seconds=deadline_seconds,
        requests_per_instance=settings.proxy.requests_per_instance,
        users=_users(environment, settings) if settings.has_proxy else None,
        streams=settings.proxy.streaming,
        sleeps=bool(settings.endpoint.sleep),
        price_note=_note(settings, variants),
    )
    Dashboard(stack, "Dashboard", name=alarm_prefix(environment), content=content, alarm_arns=alarm_arns)


def _priced(settings: Settings, name: str, instance_type: str) -> PricedVariant:
    price = InstanceType.of(instance_type).price_usd_per_hour if settings.region == _PRICED_REGION else None
    return PricedVariant(WatchedVariant(settings.endpoint.name, name), instance_type, price)


_PRICED_REGION = "us-east-1"
"""The region of the prices in instances.toml."""


def _users(environment: str, settings: Settings) -> Users:
    clients = list(dict.fromkeys(custom_metrics.clients(settings).values()))
    more = [*clients, custom_metrics.OTHER] if clients else []
    return Users(environment, custom_metrics.routes(settings), custom_metrics.answering(settings), more)


def _note(settings: Settings, variants: Sequence[PricedVariant]) -> str:
    unknown = [one.instance_type for one in variants if one.usd_per_hour is None]
    if unknown:
        return f"Unknown: the list price of {', '.join(unknown)} in {settings.region}, and the software's."
    return "List price, without the software's."
