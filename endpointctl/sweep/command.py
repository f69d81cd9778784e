"""``endpointctl sweep``: the plan, its estimate, and its outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from endpointctl.client import Client, EndpointClient
from endpointctl.client.http_api import API_KEY_VARIABLE
from endpointctl.failure import Failure
from endpointctl.files import same_file
from endpointctl.output import CONSOLE, show
from endpointctl.sweep import prompts as prompt_files
from endpointctl.sweep.plan import Call, Plan
from endpointctl.sweep.ranges import numbers
from endpointctl.sweep.results import Results, opened
from endpointctl.sweep.run import Progress, pending, run
from sagemaker_llm import InstanceType
from stacks import settings
from stacks.settings import Settings

_RANGE = "A number, a list (0,0.5,1) or a range with both ends (100:500:100)."


def sweep(
    out: Annotated[Path, typer.Option(help="The results file, JSON Lines. An unfinished one is continued.")],
    prompt: Annotated[str | None, typer.Option(help="What the model continues.")] = None,
    prompts: Annotated[Path | None, typer.Option(help="Many: a file of lines, .csv or .jsonl.")] = None,
    env: Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")] = "dev",
    max_tokens: Annotated[str | None, typer.Option(help=_RANGE)] = None,
    temperature: Annotated[str | None, typer.Option(help=_RANGE)] = None,
    k: Annotated[str | None, typer.Option(help=_RANGE)] = None,
    p: Annotated[str | None, typer.Option(help=_RANGE)] = None,
    frequency_penalty: Annotated[str | None, typer.Option(help=_RANGE)] = None,
    presence_penalty: Annotated[str | None, typer.Option(help=_RANGE)] = None,
    num_generations: Annotated[str | None, typer.Option(help=_RANGE)] = None,
    stop: Annotated[list[str] | None, typer.Option(help="Stop after this text; may be given again.")] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="First values with first ones, not each with each.")] = False,
    repeats: Annotated[int, typer.Option(help="How many times each combination is called.")] = 1,
    seed: Annotated[int | None, typer.Option(help="Of the first repetition; the next has one more.")] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="Calls in flight. About as many as one instance runs: more only queue there."
        ),
    ] = 4,
    tokens_per_second: Annotated[
        float, typer.Option(min=0.01, help="Of one call, for the estimate alone. Default: a cautious guess.")
    ] = 20.0,
    variant: Annotated[str | None, typer.Option(help="The endpoint's variant. Default: by weight.")] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Invoke the endpoint itself, without the proxy.")] = False,
    api_key: Annotated[
        str | None, typer.Option(help="For a REST API with API keys.", envvar=API_KEY_VARIABLE, show_envvar=True)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its estimate, and exit.")] = False,
) -> None:
    """Call the model with every combination of values, write each result as it arrives, and continue when run again.

    Ctrl-C, SIGTERM and SIGHUP wait for the calls in flight and send no more; a second one exits at once.

    Exit codes: 0 all answered; 1 it ended early, or some calls failed: the same command continues with what is missing.
    """
    _check_files(out, prompts)
    environment = settings.read(env)
    ranges = {
        "max_tokens": max_tokens,
        "temperature": temperature,
        "k": k,
        "p": p,
        "frequency_penalty": frequency_penalty,
        "presence_penalty": presence_penalty,
        "num_generations": num_generations,
    }
    fixed: dict[str, Any] = {"return_likelihoods": "GENERATION"} if environment.api == "generate" else {}
    plan = Plan(
        environment=env,
        parameters={
            name: numbers(f"--{name.replace('_', '-')}", text) for name, text in ranges.items() if text is not None
        },
        prompts=_prompts(prompt, prompts),
        mode="zip" if zipped else "product",
        repeats=repeats,
        seed=seed,
        fixed={**fixed, **({"stop_sequences": stop} if stop else {}), **({"variant": variant} if variant else {})},
    )
    if dry_run:
        show(_estimate(plan, pending(plan, {}), environment, concurrency, tokens_per_second))
        return
    with opened(out, plan) as (results, earlier):
        calls = pending(plan, earlier)
        show(_estimate(plan, calls, environment, concurrency, tokens_per_second))
        if not calls:
            show(f"{out}: all {plan.count} calls are answered")
            return
        if not yes:
            typer.confirm("Continue?", abort=True)
        client = _client(env, direct=direct, api_key=api_key, at_once=concurrency)
        progress = _run(plan, calls, client, results, concurrency)
    _end(out, progress)


def _check_files(out: Path, prompts: Path | None) -> None:
    if prompts and same_file(out, prompts):
        raise Failure(f"--out: {out} is the file of --prompts: name another file")


def _run(plan: Plan, calls: list[Call], client: Client | EndpointClient, results: Results, at_once: int) -> Progress:
    with _bar() as bar:
        task = bar.add_task("", total=plan.count, completed=plan.count - len(calls), errors=0, rate="")
        return run(plan, calls, client.generate, results, at_once=at_once, on_progress=_shown(bar, task))


def _prompts(prompt: str | None, file: Path | None) -> dict[str, str]:
    if (prompt is None) == (file is None):
        raise Failure("--prompt and --prompts: give one of them")
    if file:
        return prompt_files.read(file)
    if not (prompt or "").strip():
        raise Failure("--prompt: is empty: write what the model continues")
    return {"1": prompt or ""}


def _client(env: str, *, direct: bool, api_key: str | None, at_once: int) -> Client | EndpointClient:
    """Return a client that makes one attempt: the sweep itself waits when the endpoint is busy."""
    if direct:
        return Client.direct(env, at_once=at_once)
    return Client.connect(env, api_key=api_key, attempts=1, at_once=at_once)


def _estimate(plan: Plan, calls: list[Call], environment: Settings, at_once: int, tokens_per_second: float) -> str:
    lines = [f"{plan.count} calls: {_combinations(plan)}"]
    if len(calls) < plan.count:
        lines.append(f"{plan.count - len(calls)} of them are answered already; {len(calls)} are left")
    tokens = plan.most_tokens(calls)
    if tokens is None:
        lines.append("tokens and time: not known without --max-tokens")
        return "\n".join(lines)
    hours = tokens / tokens_per_second / min(at_once, max(len(calls), 1)) / 3600
    lines.append(f"at most {tokens} tokens; about {_duration(hours)} at {tokens_per_second:g} tokens a second and call")
    lines.append(_cost(environment, hours))
    return "\n".join(lines)


def _combinations(plan: Plan) -> str:
    parts = [f"{name} {len(values)}" for name, values in plan.parameters.items()]
    joined = (" x " if plan.mode == "product" else " with ").join(parts)
    more = [f"{len(plan.prompts)} prompts"] if len(plan.prompts) > 1 else []
    more += [f"{plan.repeats} repetitions"] if plan.repeats > 1 else []
    return " x ".join(filter(None, [joined, *more])) or "one"


def _cost(environment: Settings, hours: float) -> str:
    endpoint = environment.endpoint
    name, _ = endpoint.types_and_models(environment.model)[0]
    price = InstanceType.of(name).price_usd_per_hour
    if price is None:
        return f"the price of {name} is not known here: look it up at aws.amazon.com/sagemaker/pricing"
    cost = hours * price * endpoint.instance_count
    return (
        f"meanwhile {endpoint.instance_count} {name} cost about {cost:.2f} USD (list price in us-east-1, without "
        "Cohere's software), as they do without the sweep"
    )


def _duration(hours: float) -> str:
    seconds = hours * 3600
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if hours < 2 else f"{hours:.1f} h"


def _bar() -> Bar:
    errors, rate = TextColumn("{task.fields[errors]} errors"), TextColumn("{task.fields[rate]}")
    return Bar(BarColumn(), MofNCompleteColumn(), rate, errors, TimeRemainingColumn(), console=CONSOLE)


def _shown(bar: Bar, task: Any) -> Any:  # noqa: ANN401 - rich's own
    began = bar.get_time()

    def update(progress: Progress) -> None:
        now = progress.answered + progress.failed
        rate = f"{now / max(bar.get_time() - began, 0.001):.1f} a second"
        bar.update(task, completed=progress.before + now, errors=progress.failed, rate=rate)

    return update


def _end(out: Path, progress: Progress) -> None:
    answered = progress.before + progress.answered
    show(f"{answered} of {progress.planned} calls are answered, {progress.failed} failed: {out}")
    show(f"report: python -m endpointctl report {out}")
    if progress.stopped or progress.failed:
        why = progress.stopped or f"{progress.failed} calls failed"
        raise Failure(f"{why}: the same command continues with what is missing; every answer is kept")
