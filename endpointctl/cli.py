"""The commands: each one reads an environment's file, asks AWS, and prints for people or, with --json, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from endpointctl import aws_check, revision
from endpointctl import changes as change
from endpointctl.aws import Aws
from endpointctl.failure import Failure
from endpointctl.proxy import Completion, Proxy
from marketplace_llm import catalog
from stacks import settings
from stacks.settings_error import SettingsError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Operate a Cohere model on SageMaker.")
_out = Console(highlight=False, soft_wrap=True)

Environment = Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")]


@app.command()
def generate(
    prompt: Annotated[str, typer.Argument(help="What the model continues.")],
    env: Environment = "dev",
    max_tokens: Annotated[int, typer.Option(help="The most tokens to generate.")] = 100,
    temperature: Annotated[float | None, typer.Option(help="0 (always the same) to 5. Default: the model's.")] = None,
    k: Annotated[int | None, typer.Option(help="Choose among the k likeliest tokens. Default: the model's.")] = None,
    p: Annotated[float | None, typer.Option(help="Choose among the likeliest tokens of total p.")] = None,
    seed: Annotated[int | None, typer.Option(help="Repeat a random answer.")] = None,
    num_generations: Annotated[int | None, typer.Option(help="1 to 5. Default: the model's.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="Stop after this text; may be given again.")] = None,
    variant: Annotated[str | None, typer.Option(help="Ask this variant of the endpoint. Default: by weight.")] = None,
    likelihoods: Annotated[
        bool | None,
        typer.Option(
            help="Ask for the tokens' likelihoods, from which alone the number of tokens is known. "
            "Default: where the package has them."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
) -> None:
    """Generate text through the environment's proxy."""
    environment = settings.read(env)
    asked = environment.api == "generate" if likelihoods is None else likelihoods
    wanted: dict[str, Any] = {
        "prompt": prompt,
        "max_tokens": max_tokens,
        "temperature": temperature,
        "k": k,
        "p": p,
        "seed": seed,
        "num_generations": num_generations,
        "stop_sequences": stop or None,
        "return_likelihoods": "GENERATION" if asked else None,
    }
    fields = {name: value for name, value in wanted.items() if value is not None}
    completion = _proxy(env, environment).generate(variant=variant, **fields)
    if as_json:
        _out.print_json(json.dumps(completion.body))
    else:
        _show(completion)


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print the catalogue as JSON.")] = False,
) -> None:
    """List the catalogue: the packages that an environment file can name, and what each runs on."""
    if as_json:
        _out.print_json(json.dumps([asdict(entry) for entry in catalog.entries()]))
        return
    # What is piped is not cut to some terminal's width.
    out = _out if _out.is_terminal else Console(highlight=False, width=200)
    table = Table("model", "api", "instance types", "AMI", "context", "status", "seen", "source", "listing", box=SIMPLE)
    for entry in catalog.entries():
        types, context = ", ".join(entry.instance_types), str(entry.context_tokens or "")
        listing = entry.listing or ""
        row = (entry.model, entry.api, types, entry.inference_ami, context, entry.status, entry.seen, entry.source)
        table.add_row(*row, listing)
    out.print(table)
    out.print(f"{len(catalog.accounts())} regions: {', '.join(catalog.accounts())}", soft_wrap=True)


@app.command()
def changes(
    base: Annotated[str, typer.Option(help="The commit to compare with, e.g. origin/main.")],
    env: Annotated[str | None, typer.Option("--env", help="Only this environment. Default: all.")] = None,
) -> None:
    """Show what deploying the checkout would change since a commit, offline; exit 1 when something would be lost."""
    if env:
        settings.read(env)
    before, after = revision.of_commit(base, env), revision.of_checkout(env)
    lost = []
    for stack in sorted({*before, *after}):
        if stack not in after:
            _out.print(f"{stack}: no longer in the app; what is deployed stays until you delete it", markup=False)
            continue
        found = change.changes(before.get(stack, {}), after[stack])
        fleet = ": a new fleet beside the old one, twice the quota meanwhile" if change.makes_new_fleet(found) else ""
        _out.print(f"{stack}: {len(found)} of {len(after[stack]['Resources'])} resources change{fleet}", markup=False)
        for one in found:
            why = f" ({', '.join(one.properties)})" if one.properties else ""
            loss = f": {one.loss}" if one.loss else ""
            _out.print(f"  {one.effect:8}  {one.type} {one.logical_id}{why}{loss}", markup=False)
            lost += [f"{stack}: {one.logical_id} would be {one.effect}{loss}"] if loss else []
        lost += [f"{stack}: {reason}" for reason in change.refused(before.get(stack, {}), after[stack])]
    if lost:
        raise Failure("\n".join(lost))


@app.command()
def check(env: Environment = "dev") -> None:
    """Check an environment's file and the caller's credentials, before anything is deployed."""
    environment = settings.read(env)
    caller = Aws(environment.region).caller()
    if environment.account not in (None, caller.account):
        raise Failure(
            f"environments/{env}.yaml: account: {environment.account!r} is not the account of your credentials "
            f"({caller.account}): sign in to that account, or change the file"
        )
    _out.print(f"{env}: account {caller.account}, {environment.region}, as {caller.arn}", markup=False)


@app.command("aws-check")
def ask_aws(
    env: Environment = "dev",
    only: Annotated[list[str] | None, typer.Option(help="Ask only this; may be given again. Default: all.")] = None,
    kms_key: Annotated[str, typer.Option(help="A KMS key's ARN, for the one question that needs one.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it begins.")] = False,
) -> None:
    """Ask AWS what no document tells: the unknown rows of docs/fidelity.md, with the environment that is deployed."""
    account = aws_check.Account.of(settings.read(env), kms_key)
    _out.print(
        f"This makes and deletes models and endpoint configs, which are free, and starts no instance. At most "
        f"{aws_check.INVOCATIONS} requests reach {account.endpoint}, which costs what it costs anyway: of one token "
        "each, but for container-context, which may generate for up to 60 s.",
        markup=False,
    )
    if not yes:
        typer.confirm("Go on?", abort=True)
    for name, answer in aws_check.ask(account, only):
        _out.print(f"{name}: {answer}", markup=False)


def _proxy(environment: str, wanted: settings.Settings) -> Proxy:
    if not wanted.has_proxy:
        raise Failure(
            f"environments/{environment}.yaml: the package answers {wanted.api}, and the proxy speaks to generate and "
            f"chat only: call the endpoint {wanted.endpoint.name} with SageMaker's InvokeEndpoint"
        )
    aws = Aws(wanted.region)
    return Proxy(aws.proxy_url(environment), aws.credentials(), wanted.region)


def _show(completion: Completion) -> None:
    for text in completion.texts:
        _out.print(text, markup=False)
        _out.rule(style="dim")
    tokens = "unknown tokens" if completion.tokens is None else f"{completion.tokens} tokens"
    _out.print(f"{tokens}, {sum(map(len, completion.texts))} characters, {completion.seconds:.2f} s")


def main() -> None:
    """Run the command line; what goes wrong is one line for each problem on stderr, and exit code 1."""
    try:
        app()
    except (Failure, SettingsError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(str(error), style="red", markup=False)
        raise SystemExit(1) from None
