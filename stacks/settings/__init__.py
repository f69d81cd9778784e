"""The one configuration model: an environment file, read and checked.

Everything that AWS would refuse by a single value is refused here, with the file, the key, the value and what is
allowed. The JSON Schema for editors is generated from these classes (``make settings``).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from sagemaker_llm import OptionError
from stacks.settings import files
from stacks.settings.environment import EnvironmentFile, Settings
from stacks.settings.errors import SettingsError, key_of, problems_of
from stacks.settings.files import Merged

__all__ = [
    "ENVIRONMENTS",
    "EnvironmentFile",
    "Settings",
    "SettingsError",
    "check",
    "check_name",
    "names",
    "read",
    "read_file",
    "refused",
]

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
"""The folder of the environment files; a file's name without ``.yaml`` is the environment's name."""

# It becomes part of the stacks' names and a stage's id.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")


def names() -> tuple[str, ...]:
    """Return the names of all environments, in alphabetical order."""
    return tuple(sorted(path.stem for path in ENVIRONMENTS.glob("*.yaml")))


def read(name: str) -> Settings:
    """Read an environment by its name.

    Raises:
        SettingsError: there is no such environment, or its file is wrong.

    """
    check_name(name)
    if name not in names():
        allowed = ", ".join(names()) or "none: the folder environments/ is empty"
        raise SettingsError(
            f"environment: {name!r} does not exist; allowed: {allowed}; or add environments/{name}.yaml"
        )
    return check(name, files.read(ENVIRONMENTS / f"{name}.yaml"))


def check_name(name: str, remedy: str = "rename the file in environments/") -> None:
    """Raise a SettingsError for what cannot be the name of an environment."""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"environment: {name!r} is not a valid name; allowed: at most 30 lower-case letters, digits and inner "
            f"hyphens; {remedy}"
        )


def check(name: str, merged: Merged) -> Settings:
    """Return the settings of an environment, whether its file is in the folder already or not.

    Raises:
        SettingsError: they are wrong, or another environment has its endpoint.

    """
    settings = _settings(merged)
    place = _endpoint(merged)
    for other in names():
        if other != name and _endpoint_of(ENVIRONMENTS / f"{other}.yaml") == place:
            origin = merged.blamed("endpoint.name")
            given = "" if origin == merged.files[0].name else f" (given in {origin})"
            raise SettingsError(
                f"environments/{name}.yaml: endpoint.name: {settings.endpoint.name!r}{given} is also that of "
                f"environments/{other}.yaml, in the same account and region; allowed: a name of its own; "
                "rename one of them"
            )
    return settings


def _endpoint_of(path: Path) -> object:
    try:
        return _endpoint(files.read(path))
    except (SettingsError, OSError):
        return None  # reported when that one is read


def _endpoint(merged: Merged) -> tuple[object, object, object] | None:
    """Return account, region and name of an endpoint as the files have them: to validate them would take longer."""
    values = merged.values
    endpoint = values.get("endpoint")
    return (values.get("account"), values.get("region"), endpoint.get("name")) if isinstance(endpoint, dict) else None


def read_file(path: Path) -> Settings:
    """Read one environment file, and those that it extends.

    Raises:
        SettingsError: with one line for each problem: file, key, value, and what is allowed.

    """
    return _settings(files.read(path))


@cache
def _settings(merged: Merged) -> Settings:
    for file in merged.files:
        if file.values is None:
            raise SettingsError(f"{file.name}: holds no keys; allowed: {', '.join(EnvironmentFile.model_fields)}")
    values = merged.values
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = problems_of(error, EnvironmentFile, values)
        raise SettingsError(*(f"{merged.blamed(key)}: {key}: {problem}" for key, problem in problems)) from None


def refused(name: str, error: OptionError) -> SettingsError:
    """Return the error for a value of an environment that the construct library refuses."""
    merged = files.merge(f"{name}.yaml", files.reader(ENVIRONMENTS, f"{name}.yaml"))
    key = key_of(error, Settings, _settings(merged).model_dump(exclude_unset=True))
    return SettingsError(f"{merged.blamed(key)}: {key}: {error.sentence}")
