"""``endpointctl generate``: one request, and its answer as text, JSON or a table."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from endpointctl.client import Client, EndpointClient
from endpointctl.client.http_api import API_KEY_VARIABLE
from endpointctl.completion import Completion
from endpointctl.failure import Failure
from endpointctl.output import show, show_table
from endpointctl.refused import valid_unicode
from stacks import settings


class Output(StrEnum):
    """What ``generate`` prints."""

    TEXT = "text"
    JSON = "json"
    TABLE = "table"


def generate(
    prompt: Annotated[str | None, typer.Argument(help="What the model continues. Default: standard input.")] = None,
    file: Annotated[Path | None, typer.Option(help="Read the prompt from this file.")] = None,
    env: Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")] = "dev",
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
    variant: Annotated[str | None, typer.Option(help="The endpoint's variant. Default: by weight.")] = None,
    likelihoods: Annotated[
        bool | None,
        typer.Option(
            help="Return the tokens' likelihoods, which the number of tokens is counted from. "
            "Default: where the package has them."
        ),
    ] = None,
    output: Annotated[Output, typer.Option(help="The texts, the whole answer as JSON, or a table.")] = Output.TEXT,
    direct: Annotated[bool, typer.Option("--direct", help="Invoke the endpoint itself, without the proxy.")] = False,
    api_key: Annotated[
        str | None, typer.Option(help="For a REST API with API keys.", envvar=API_KEY_VARIABLE, show_envvar=True)
    ] = None,
) -> None:
    """Generate text.

    Exit codes: 0 generated; 1 no request is possible (no credentials, not deployed, denied) or another error; 2 wrong
    usage; 3 the request is wrong or refused; 4 busy, asleep, unavailable or unreachable, nothing was generated: try
    again; 5 timed out, lost, failed in SageMaker or on the way, or not an answer: the model may have generated.
    """
    environment = settings.read(env)
    with_likelihoods = environment.api == "generate" if likelihoods is None else likelihoods
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
        return_likelihoods="GENERATION" if with_likelihoods else None,
    )
    if output is Output.JSON:
        show(valid_unicode(json.dumps(completion.body, indent=2, ensure_ascii=False)))
    elif output is Output.TABLE:
        _show(completion)
    else:
        for text in completion.texts:
            show(text)


def _prompt(argument: str | None, file: Path | None) -> str:
    if argument not in (None, "-") and file:
        raise Failure("a prompt and --file exclude each other: leave one out")
    try:
        if file:
            text = file.read_text("utf-8-sig")
        elif argument in (None, "-"):
            text = sys.stdin.read().removeprefix("\ufeff")
        else:
            text = argument or ""
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file or 'standard input'}: {error}: give a file of UTF-8 text") from None
    if not text.strip():
        raise Failure("the prompt is empty: give it as an argument, by --file, or on standard input")
    return text


def _show(completion: Completion) -> None:
    table = Table("text", "characters", "tokens", "likelihood", "finish reason", box=SIMPLE, show_lines=True)
    for one in completion.generations:
        likelihood = "" if one.likelihood is None else f"{one.likelihood:.3f}"
        numbers = (str(len(one.text)), "" if one.tokens is None else str(one.tokens), likelihood)
        table.add_row(Text(one.text), *numbers, one.finish_reason or "")
    show_table(table)
    tokens = "unknown tokens" if completion.tokens is None else f"{completion.tokens} tokens"
    show(f"{tokens}, {sum(map(len, completion.texts))} characters, {completion.seconds:.2f} s")
