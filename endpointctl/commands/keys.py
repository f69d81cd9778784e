"""``endpointctl keys``: the API keys of an environment's clients."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from endpointctl.aws import Aws
from endpointctl.failure import Failure
from endpointctl.keys import Keys, NewKey
from endpointctl.output import show, show_note, show_table
from stacks import settings

Environment = Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")]
Client = Annotated[str, typer.Argument(help="A client of proxy.rest_api.clients.")]
Name = Annotated[str, typer.Argument(metavar="KEY", help="A key's id, or a client that has one key.")]

keys = typer.Typer(
    no_args_is_help=True,
    help="Make, list and end the API keys of an environment's clients. Deployments never touch these keys.",
)


@keys.command()
def create(client: Client, env: Environment = "dev") -> None:
    """Make a client's first key and print its value, alone, on standard output. It is shown this once."""
    found = _keys(env)
    if ids := ", ".join(key.id for key in found.of(client)):
        remedy = f"`endpointctl keys rotate {client} --env {env}` makes another"
        raise Failure(f"{client} has a key already ({ids}): {remedy}")
    _hand_over(found, found.create(client), client)


@keys.command("list")
def list_keys(
    env: Environment = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the keys, without their values."""
    found = _keys(env).all()
    if as_json:
        show(json.dumps([asdict(key) for key in found], indent=2))
        return
    if not found:
        show(f"{env}: no client has a key")
        return
    table = Table("client", "key", "state", "created", "made by", box=SIMPLE)
    for key in found:
        state, maker = "enabled" if key.enabled else "disabled", "the deployment" if key.of_stack else "this command"
        table.add_row(key.client, key.id, state, key.created, maker)
    show_table(table, width=120)


@keys.command()
def rotate(
    client: Client,
    env: Environment = "dev",
    overlap: Annotated[
        bool,
        typer.Option(
            help="Keep the former keys valid until `keys delete` or `keys disable` ends them, so that every caller has "
            "time to change. --no-overlap disables them at once, e.g. after a leak. Each key has the client's whole "
            "rate and quota."
        ),
    ] = True,
) -> None:
    """Make another key of a client and print its value, alone, on standard output."""
    found = _keys(env)
    former = [key for key in found.of(client) if key.enabled]
    if not former:
        raise Failure(f"{client} has no enabled key: `endpointctl keys create {client} --env {env}` makes its first")
    if not overlap and any(key.of_stack for key in former):
        raise Failure(
            f"{client} has a key that the deployment made, which only a deployment ends: leave --no-overlap out, or "
            "give the client another name in proxy.rest_api.clients and deploy"
        )
    _hand_over(found, found.create(client), client)
    for key in former:
        if overlap:
            show_note(f"the former key {key.id} stays valid until `endpointctl keys delete {key.id} --env {env}`")
        else:
            found.set_enabled(key, enabled=False)
            show_note(f"the former key {key.id} is disabled")


@keys.command()
def disable(key: Name, env: Environment = "dev") -> None:
    """Refuse a key from now on, until `keys enable`."""
    _switch(key, env, enabled=False)


@keys.command()
def enable(key: Name, env: Environment = "dev") -> None:
    """Accept a disabled key again."""
    _switch(key, env, enabled=True)


@keys.command()
def delete(key: Name, env: Environment = "dev") -> None:
    """Delete a key for ever."""
    found = _keys(env)
    one = found.one(key)
    found.delete(one)
    show(f"{env}: the key {one.id} of {one.client} is deleted")


def _switch(key: str, env: str, *, enabled: bool) -> None:
    found = _keys(env)
    one = found.one(key)
    found.set_enabled(one, enabled=enabled)
    show(f"{env}: the key {one.id} of {one.client} is {'enabled' if enabled else 'disabled'}")


def _keys(env: str) -> Keys:
    configured = settings.read(env)
    rest_api = configured.proxy.rest_api if configured.has_proxy else None
    if rest_api is None or rest_api.access == "iam":
        raise Failure(
            f"environments/{env}.yaml: its callers sign their requests and have no keys; allowed: "
            "proxy.rest_api.access api_keys or bearer: set one of them and deploy"
        )
    aws = Aws(configured.region)
    aws.caller_in(configured.account, env)
    return Keys(aws, env, configured.tags)


def _hand_over(found: Keys, key: NewKey, client: str) -> None:
    """Print a key's value; where nobody can read it, no key is left."""
    try:
        show(key.value)
    except BaseException:
        found.discard(key.id)
        raise
    show_note(f"the key {key.id} of {client}: keep its value in a secret store, it is not shown again")
