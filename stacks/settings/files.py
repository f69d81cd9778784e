"""Environment files as they are written: YAML, and the files that they extend.

``extends: defaults/team.yaml`` names a file, relative to the folder of the file that has it. Mappings merge; lists and
single values, null among them, replace what the extended file has.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeAlias

import yaml

from stacks.settings.errors import SettingsError

Read: TypeAlias = Callable[[PurePosixPath], bytes]
"""Returns the text of a file by its path in the folder of the environments; raises OSError where there is none."""

KEY: Final = "extends"
_FOLDER: Final = "environments"
_ALLOWED: Final = "allowed: a file in the folder of the environments, relative to this file, e.g. defaults/team.yaml"


@dataclass(frozen=True)
class File:
    """One file.

    Attributes:
        name: as errors name it, e.g. ``environments/defaults/team.yaml``.
        text: its bytes, by which files are the same.
        values: its content without ``extends``; None when it holds no keys.
        sections: every key in it by its path, e.g. ``endpoint.name``, and whether a mapping stands there.
        extends: the path that it extends, as it is written; None when it extends nothing.

    """

    name: str
    text: bytes
    values: Mapping[str, Any] | None = field(compare=False)
    sections: Mapping[str, bool] = field(compare=False)
    extends: Any = field(compare=False)


@dataclass(frozen=True)
class Merged:
    """An environment's own file and those that it extends.

    Attributes:
        files: its own first, then what that extends, and so on.

    """

    files: tuple[File, ...]

    @property
    def values(self) -> dict[str, Any]:
        """Return the merged content."""
        merged: dict[str, Any] = {}
        for file in reversed(self.files):
            merged = _over(merged, file.values or {})
        return merged

    def origin(self, key: str) -> File | None:
        """Return the file that gave a key its value, or the last one to add to a section; None when none has it."""
        above = [key[:end] for end, character in enumerate(key) if character == "."]
        for file in self.files:
            if key in file.sections:
                return file
            if any(file.sections.get(prefix) is False for prefix in above):
                return None  # it replaces the section in which a file below has the key
        return None

    def blamed(self, key: str) -> str:
        """Return the file to name in an error about a key.

        That is the file of its value or of the list that it is in; of a missing key, the environment's own file.
        """
        place, end = key, ""
        while place:
            file = self.origin(place)
            if file:
                missing = file.sections[place] and end not in ("", "[key]")
                return self.files[0].name if missing else file.name
            place, _, end = place.rpartition(".")
        return self.files[0].name


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def read(path: Path) -> Merged:
    """Read an environment file and the files that it extends.

    Raises:
        OSError: there is no such file.
        SettingsError: one of them cannot be used.

    """
    return merge(path.name, reader(path.parent, path.name), path.parent.name)


def reader(folder: Path, name: str) -> Read:
    """Return what reads the files of a folder.

    Args:
        folder: the environments'.
        name: the environment's own file; no other may be a link that leads out of the folder.

    """
    inside = os.path.realpath(folder)

    def read_in_it(place: PurePosixPath) -> bytes:
        path = folder / place
        if path.name != name and not Path(os.path.realpath(path)).is_relative_to(inside):
            raise OSError(None, "it is a link that leads out of the folder")
        return path.read_bytes()

    return read_in_it


def merge(name: str, read_file: Read, folder: str = _FOLDER) -> Merged:
    """Return an environment file and the files that it extends.

    Args:
        name: the file's name, e.g. ``dev.yaml``.
        read_file: what reads it and the others.
        folder: the folder's name, for errors.

    Raises:
        OSError: there is no such file.
        SettingsError: one of them cannot be used.

    """
    place = PurePosixPath(name)
    places, files = [place], [_parsed(f"{folder}/{place}", read_file(place))]
    while files[-1].extends is not None:
        file = files[-1]
        place = _extended(file, place)
        if place in places:
            circle = " -> ".join(map(str, [*places[places.index(place) :], place]))
            raise SettingsError(f"{file.name}: {KEY}: {circle} is a circle; allowed: a chain that ends; cut it here")
        try:
            text = read_file(place)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            problem = "does not exist" if missing else f"cannot be read: {error.strerror}"
            raise SettingsError(f"{file.name}: {KEY}: {file.extends!r} {problem}; {_ALLOWED}") from None
        places.append(place)
        files.append(_parsed(f"{folder}/{place}", text))
    return Merged(tuple(files))


def _extended(file: File, place: PurePosixPath) -> PurePosixPath:
    """Return the place of the file that a file extends."""
    written = file.extends
    if not isinstance(written, str) or not written.endswith(".yaml") or "\0" in written:
        raise SettingsError(f"{file.name}: {KEY}: {written!r} is not the path of a YAML file; {_ALLOWED}")
    normal = posixpath.normpath(posixpath.join(place.parent, written))
    if normal.startswith(("/", "../")):
        raise SettingsError(f"{file.name}: {KEY}: {written!r} is outside the folder of the environments; {_ALLOWED}")
    return PurePosixPath(normal)


@cache
def _parsed(name: str, text: bytes) -> File:
    """Parse a file; cached, because every environment is compared with every other."""
    try:
        content = yaml.load(text.decode("utf-8"), _UniqueKeys)  # noqa: S506 - a SafeLoader
        sections = dict(_sections(content))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{name}: is not YAML: {reason}; allowed: YAML as in environments/dev.yaml") from None
    except RecursionError:
        raise SettingsError(f"{name}: is nested too deeply; allowed: YAML as in environments/dev.yaml") from None
    if not isinstance(content, dict):
        return File(name, text, None, {}, None)
    values = {key: value for key, value in content.items() if key != KEY}
    return File(name, text, values, sections, content.get(KEY))


def _sections(content: object, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the path of every key, and whether a mapping stands there; a list is a value as a whole."""
    for key, value in content.items() if isinstance(content, dict) else ():
        yield f"{prefix}{key}", isinstance(value, dict)
        yield from _sections(value, f"{prefix}{key}.")


# `<<: *anchor`, which may give a key that the mapping gives again.
_MERGE = "tag:yaml.org,2002:merge"
_MOST_VALUES: Final = 10_000
"""The most values of a file, with each alias counted as all that it repeats: a few lines can stand for billions."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that is given twice is an error, not silently the last one, and so is what PyYAML raises."""

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node and _size(node, {}) > _MOST_VALUES:
            raise yaml.composer.ComposerError(
                None, None, f"it holds more than {_MOST_VALUES} values, with all that aliases repeat"
            )
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError):  # e.g. the date 2026-02-30
            kind, text = node.tag.rpartition(":")[2], repr(node.value)[:40]
            raise yaml.constructor.ConstructorError(None, None, f"{text} is no {kind}", node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        given = [key for key, _value in node.value if key.tag != _MERGE]
        keys = [self.construct_object(key, deep=True) for key in given]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping


def _size(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """Return how many values a node stands for; each node is counted once, and its size multiplied."""
    if node in known:
        return known[node]
    known[node] = _MOST_VALUES  # until it is counted: an alias inside of what it repeats has no end
    members = node.value if isinstance(node, yaml.CollectionNode) else ()
    pairs = isinstance(node, yaml.MappingNode)
    known[node] = 1 + sum(_size(one, known) for member in members for one in (member if pairs else [member]))
    return known[node]
