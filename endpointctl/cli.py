"""The commands: each one reads an environment's file, asks AWS, and prints for people or, with --json, for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from endpointctl import aws_check
from endpointctl import changes as change
from endpointctl import templates as revision
from endpointctl.aws import Aws
from endpointctl.client import Client, EndpointClient
from endpointctl.completion import Completion
from endpointctl.failure import Failure
from endpointctl.refused import Throttled, TimedOut, Unavailable, WrongRequest
from endpointctl.report import command as report_command
from endpointctl.sweep import command as sweep_command
from sagemaker_llm.models import catalog
from stacks import settings
from stacks.settings.errors import SettingsError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Operate a Cohere model on SageMaker.")
_out = Console(highlight=False, soft_wrap=True)

Environment = Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")]


app.command()(sweep_command.sweep)
app.command()(report_command.report)


class Output(StrEnum):
    """What ``generate`` prints."""

    TEXT = "text"
    JSON = "json"
    TABLE = "table"


@app.command()
def generate(
    prompt: Annotated[str | None, typer.Argument(help="What the model continues. Default: standard input.")] = None,
    file: Annotated[Path | None, typer.Option(help="Read the prompt from this file.")] = None,
    env: Environment = "dev",
    max_tokens: Annotated[int, typer.Option(help="The most tokens to generate.")] = 100,
    temperature: Annotated[float | None, typer.Option(help="0 (always the same) to 5. Default: the model's.")] = None,
    k: Annotated[int | None, typer.Option(help="Choose among the k likeliest tokens. Default: the model's.")] = None,
    p: Annotated[float | None, typer.Option(help="Choose among the likeliest tokens of total p.")] = None,
    seed: Annotated[int | None, typer.Option(help="Repeat a random answer.")] = None,
    num_generations: Annotated[int | None, typer.Option(help="1 to 5. Default: the model's.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="Stop after this text; may be given again.")] = None,
    end: Annotated[list[str] | None, typer.Option(help="Stop before this text; may be given again.")] = None,
    truncate: Annotated[str | None, typer.Option(help="NONE, START or END. Default: the model's.")] = None,
    frequency_penalty: Annotated[float | None, typer.Option(help="Default: the model's.")] = None,
    presence_penalty: Annotated[float | None, typer.Option(help="Default: the model's.")] = None,
    variant: Annotated[str | None, typer.Option(help="Ask this variant of the endpoint. Default: by weight.")] = None,
    likelihoods: Annotated[
        bool | None,
        typer.Option(
            help="Ask for the tokens' likelihoods, from which alone the number of tokens is known. "
            "Default: where the package has them."
        ),
    ] = None,
    output: Annotated[Output, typer.Option(help="The texts, the whole answer as JSON, or a table.")] = Output.TEXT,
    direct: Annotated[bool, typer.Option("--direct", help="Invoke the endpoint itself, without the proxy.")] = False,
    api_key: Annotated[
        str | None, typer.Option(help="For a REST API with keys.", envvar="COHERE_API_KEY", show_envvar=True)
    ] = None,
) -> None:
    """Generate text.

    Exit codes: 0 generated; 1 it cannot be asked (no credentials, not deployed, not allowed); 2 wrong usage; 3 the
    request is wrong or refused; 4 busy or unavailable, nothing was generated: try again; 5 timed out or lost, the model
    may have generated.
    """
    environment = settings.read(env)
    asked = environment.api == "generate" if likelihoods is None else likelihoods
    client: Client | EndpointClient = Client.direct(env) if direct else Client.connect(env, api_key=api_key)
    completion = client.generate(
        _prompt(prompt, file),
        variant=variant,
        max_tokens=max_tokens,
        temperature=temperature,
        k=k,
        p=p,
        seed=seed,
        num_generations=num_generations,
        stop_sequences=stop or None,
        end_sequences=end or None,
        truncate=truncate,
        frequency_penalty=frequency_penalty,
        presence_penalty=presence_penalty,
        return_likelihoods="GENERATION" if asked else None,
    )
    if output is Output.JSON:
        _out.print_json(json.dumps(completion.body))
    elif output is Output.TABLE:
        _show(completion)
    else:
        for text in completion.texts:
            _out.print(text, markup=False)


def _prompt(argument: str | None, file: Path | None) -> str:
    if argument not in (None, "-") and file:
        raise Failure("a prompt and --file exclude each other: leave one out")
    try:
        if file:
            text = file.read_text("utf-8")
        elif argument in (None, "-"):
            text = sys.stdin.read()
        else:
            text = argument or ""
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file or 'standard input'}: {error}: give a file of UTF-8 text") from None
    if not text.strip():
        raise Failure("the prompt is empty: give it as an argument, by --file, or on standard input")
    return text


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
    aws = Aws(environment.region)
    caller = aws.caller()
    if environment.account not in (None, caller.account):
        raise Failure(
            f"environments/{env}.yaml: account: {environment.account!r} is not the account of your credentials "
            f"({caller.account}): sign in to that account, or change the file"
        )
    if environment.has_proxy:
        _check_room(env, environment, aws)
    _out.print(f"{env}: account {caller.account}, {environment.region}, as {caller.arn}", markup=False)


def _check_room(env: str, environment: settings.Settings, aws: Aws) -> None:
    """Refuse what AWS would refuse in the middle of a deployment of the proxy."""
    where, proxy = f"environments/{env}.yaml: proxy", environment.proxy
    reserved = environment.reserved_concurrency
    if reserved and not aws.has_room_for(reserved):
        raise Failure(
            f"{where}.reserved_concurrency: {reserved} cannot be reserved, because Lambda keeps 100 of the account's "
            "limit free; allowed: a smaller number, or account; or ask for a larger limit"
        )
    if proxy.rest_api and not proxy.rest_api.account_log_role and not aws.api_gateway_may_log():
        raise Failure(
            f"{where}.rest_api.account_log_role: API Gateway has no role for access logs in this account and region "
            "yet; set it to true here, or have it set by whoever owns the account"
        )


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


def _show(completion: Completion) -> None:
    table = Table("text", "characters", "tokens", "likelihood", "finish reason", box=SIMPLE, show_lines=True)
    for one in completion.generations:
        likelihood = "" if one.likelihood is None else f"{one.likelihood:.3f}"
        numbers = (str(len(one.text)), "" if one.tokens is None else str(one.tokens), likelihood)
        table.add_row(Text(one.text), *numbers, one.finish_reason or "")
    _out.print(table)
    tokens = "unknown tokens" if completion.tokens is None else f"{completion.tokens} tokens"
    _out.print(f"{tokens}, {sum(map(len, completion.texts))} characters, {completion.seconds:.2f} s")


def main() -> None:
    """Run the command line; what goes wrong is one line for each problem on stderr, and an exit code above 0."""
    try:
        app()
    except (Failure, SettingsError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(str(error), style="red", markup=False)
        codes = ((WrongRequest, 3), (Throttled, 4), (Unavailable, 4), (TimedOut, 5))
        raise SystemExit(next((code for kind, code in codes if isinstance(error, kind)), 1)) from None
