"""A template's conditions, and change sets that see one flip. One of the modules that use MiniStack's private names."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks


def complete() -> None:
    """Let MiniStack evaluate ``Fn::Join`` in conditions, and compare the resources that exist."""
    _join_in_conditions()
    _see_conditions_in_change_sets()


def _join_in_conditions() -> None:
    """Evaluate ``Fn::Join``: without it the CDK's bootstrap template gives CloudFormation's role no policies."""
    original = engine._evaluate_conditions

    def evaluate(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, bool]:
        conditions = _joined(template.get("Conditions") or {}, parameters)
        found: dict[str, bool] = original({**template, "Conditions": conditions}, parameters)
        return found

    for module in (engine, stacks, handlers, changesets, provisioners):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate


def _joined(node: Any, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - a template
    """Return a copy in which each ``Fn::Join`` is the string that it makes."""
    if isinstance(node, list):
        return [_joined(one, parameters) for one in node]
    if not isinstance(node, dict):
        return node
    if "Fn::Join" not in node:
        return {key: _joined(value, parameters) for key, value in node.items()}
    separator, items = _joined(node["Fn::Join"], parameters)
    if not isinstance(items, list):
        items = _value(items, parameters).split(",")  # a CommaDelimitedList is one string here
    return str(separator).join(_value(one, parameters) for one in items)


def _value(item: Any, parameters: dict[str, Any]) -> str:  # noqa: ANN401 - a template
    name = item.get("Ref") if isinstance(item, dict) else None
    return str(parameters[name]["Value"]) if name in parameters else str(name or item)


def _see_conditions_in_change_sets() -> None:
    """Compare the resources that exist under each side's parameters.

    MiniStack compares properties only: a parameter that flips the condition of a resource gives it an empty change set,
    and ``cdk deploy`` says that there is nothing to do.
    """
    original = changesets._resolve_props_for_diff

    def resolve(template: dict[str, Any], parameters: dict[str, Any], stack_name: str, stack_id: str) -> dict[str, Any]:
        resolved: dict[str, Any] = original(template, parameters, stack_name, stack_id)
        if not resolved:
            return resolved
        conditions = changesets._evaluate_conditions(template, parameters)
        resources = resolved["Resources"].items()
        kept = {name: one for name, one in resources if conditions.get(one.get("Condition"), True)}
        return {**resolved, "Resources": kept}

    changesets._resolve_props_for_diff = resolve
