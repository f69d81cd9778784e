"""The program's version."""

from __future__ import annotations

import tomllib
from importlib import metadata

from stacks.settings import ENVIRONMENTS

_DISTRIBUTION = "sagemaker-llm"


def version() -> str:
    """Return the installed distribution's version; in a checkout that is not installed, the one of pyproject.toml."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        project = tomllib.loads((ENVIRONMENTS.parent / "pyproject.toml").read_text("utf-8"))["project"]
        return str(project["version"])
