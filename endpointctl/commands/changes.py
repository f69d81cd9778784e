"""``endpointctl changes``: what deploying the checkout would change since a commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from endpointctl import changes as change
from endpointctl import templates
from endpointctl.aws import Aws
from endpointctl.failure import Failure
from endpointctl.output import show, show_error
from endpointctl.prices import difference
from stacks import settings


def changes(
    base: Annotated[str, typer.Option(help="The commit to compare with, e.g. origin/main.")],
    env: Annotated[str | None, typer.Option("--env", help="Only this environment. Default: all.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the same as Markdown into this file.")] = None,
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Exit 0 although resources are lost.")] = False,
) -> None:
    """Show what deploying the checkout would change since a commit, offline; exit 1 when a change loses something.

    It also exits with 1, whatever was accepted, when AWS would refuse the change, or when an environment whose file is
    gone may still be deployed.
    """
    if env:
        settings.read(env)
    before, after = templates.of_commit(base, env), templates.of_checkout(env)
    gone = sorted({stack.partition("/")[0] for stack in before} - set(settings.names()))
    lines, lost, blocked = list[str](), list[str](), list[str]()
    for name in gone:
        still = _not_destroyed(base, name)
        (blocked if still else lines).append(still or f"{name}: its file is gone, and nothing of it is deployed")
    for stack in sorted({*before, *after}):
        if stack.partition("/")[0] in gone:
            continue
        if stack not in after:
            lines.append(f"{stack}: no longer in the app; what is deployed stays until you delete it")
            continue
        found = change.changes(before.get(stack, {}), after[stack])
        fleet = ": a new fleet beside the old one, twice the quota meanwhile" if change.makes_new_fleet(found) else ""
        lines.append(f"{stack}: {len(found)} of {len(after[stack]['Resources'])} resources change{fleet}")
        lines += _resources(found)
        lost += [f"{stack}: {one.logical_id} would be {one.effect}: {one.loss}" for one in found if one.loss]
        blocked += [f"{stack}: {reason}" for reason in change.refused(before.get(stack, {}), after[stack])]
    for line in lines:
        show(line)
    cost = difference.differences(base, before, after)
    show(difference.summary(cost))
    if markdown:
        text = _markdown(lines, lost, blocked, accept_loss=accept_loss)
        _write(markdown, f"{text}\n{difference.markdown(cost)}")
    if accept_loss:
        for line in lost:
            show_error(f"accepted: {line}")
    if failed := blocked + ([] if accept_loss else lost):
        raise Failure("\n".join(failed))


def _resources(found: list[change.Change]) -> Iterator[str]:
    for one in found:
        why = f" ({', '.join(one.properties)})" if one.properties else ""
        yield f"  {one.effect:8}  {one.type} {one.logical_id}{why}{f': {one.loss}' if one.loss else ''}"


def _markdown(lines: list[str], lost: list[str], blocked: list[str], *, accept_loss: bool) -> str:
    """Return the same as Markdown, with what fails first."""
    accepted = "and was accepted" if accept_loss else "unless the label `accept-loss` accepts it"
    parts = (("This cannot be merged yet", blocked), (f"This would be lost, {accepted}", lost))
    said = [f"**{title}:**\n\n" + "".join(f"- {line}\n" for line in found) for title, found in parts if found]
    listed = "```text\n" + "\n".join(lines) + "\n```\n"
    return "\n".join(["### What deploying would change\n", *(said or ["Nothing would be lost.\n"]), listed])


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"--markdown {path}: {error.strerror}: name a file in a folder that exists") from None


def _not_destroyed(base: str, name: str) -> str:
    """Return why an environment whose file is gone may still be deployed, and billed; empty when it is not."""
    remedy = f"restore its file, run `make destroy ENV={name}`, and remove the file again"
    try:
        region, account = templates.place_of(base, name)
        aws = Aws(region)
        caller = aws.caller()
        if account not in (None, caller.account):
            raise Failure(f"it is in the account {account}, and your credentials are of {caller.account}")
        stacks = aws.stacks_of(name)
    except Failure as failure:
        return f"{name}: its file is gone, and whether it is still deployed is not known ({failure}): {remedy}"
    if stacks:
        left = f"{' and '.join(stacks)} still exist in {region}, and are billed"
        return f"{name}: its file is gone, but {left}: {remedy}"
    return ""
