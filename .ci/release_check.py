"""Check a release: the versions agree, the archives are reproducible, and the wheel works without the checkout.

python .ci/release_check.py                          before the tag
python .ci/release_check.py --tag v1.2.3             at the tag; leaves the wheel and the source archive in dist/
python .ci/release_check.py --tag v1.2.3 --notes     write that section of CHANGELOG.md to dist/notes.md
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
EXAMPLE = ROOT / "examples" / "own_app"

_UV = ROOT / ".tools" / "uv" / "bin" / "uv"
_CDK = ROOT / "node_modules" / ".bin" / "cdk"
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
# What the archives are made of.
_SOURCES = ("constructs", "lambda", "pyproject.toml", "LICENSE")


class ReleaseError(Exception):
    """The release is wrong: one line that says what, what is allowed, and what to do."""


def declared_version(pyproject: str) -> str:
    """Return the version in the text of pyproject.toml, the one place that says it.

    Raises:
        ReleaseError: it is not a semantic version.

    """
    version = str(tomllib.loads(pyproject)["project"]["version"])
    if not _VERSION.fullmatch(version):
        raise ReleaseError(
            f"pyproject.toml: version: {version!r} is no semantic version; allowed: MAJOR.MINOR.PATCH, e.g. 1.2.3; "
            "change it (docs/compatibility.md says which number to raise)"
        )
    return version


def section(changelog: str, title: str) -> str | None:
    """Return what a changelog says below ``## TITLE`` or ``## TITLE - DATE``; None without such a heading."""
    heading = rf"^## \[?{re.escape(title)}\]?(?: - \d{{4}}-\d\d-\d\d)?[ \t]*$"
    found = re.search(rf"{heading}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else None


def check_versions(pyproject: str, changelog: str, tag: str | None) -> str:
    """Return the version on which pyproject.toml, CHANGELOG.md and the tag agree.

    Args:
        pyproject: the text of pyproject.toml.
        changelog: the text of CHANGELOG.md.
        tag: the tag, e.g. v1.2.3. Default: there is none yet, so a section "Unreleased" is enough.

    Raises:
        ReleaseError: they disagree, or the section is missing or empty.

    """
    version = declared_version(pyproject)
    if tag is None:
        if not any(section(changelog, title) for title in (version, "Unreleased")):
            raise ReleaseError(
                f'CHANGELOG.md: nothing is written about {version}; allowed: text below "## Unreleased" or '
                f'"## {version} - YYYY-MM-DD"; write what users notice'
            )
        return version
    if tag != f"v{version}":
        raise ReleaseError(
            f"tag {tag}: pyproject.toml has the version {version}; allowed: the tag v{version}; delete the tag "
            "(git push --delete origin TAG), set version in pyproject.toml, and tag that commit"
        )
    if not section(changelog, version):
        raise ReleaseError(
            f'tag {tag}: CHANGELOG.md has no text for it; allowed: a section "## {version} - YYYY-MM-DD" with what '
            'users notice; delete the tag, rename "## Unreleased" to that, and tag that commit'
        )
    return version


def notes(pyproject: str, changelog: str, tag: str | None) -> str:
    """Return the text of the GitHub release: what the changelog says of the version, or before its tag of the next one.

    Raises:
        ReleaseError: see ``check_versions``.

    """
    version = check_versions(pyproject, changelog, tag)
    return f"{section(changelog, version) or section(changelog, 'Unreleased')}\n"


def build(folder: Path) -> tuple[Path, Path]:
    """Build wheel and source archive, twice: from the checkout and from the source archive, as pip does.

    Args:
        folder: where they go; older ones are removed.

    Returns:
        The wheel and the source archive.

    Raises:
        ReleaseError: the two builds differ in a byte, or one failed.

    """
    for older in [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]:
        older.unlink()
    first = _build_from(ROOT, folder)
    with tempfile.TemporaryDirectory() as scratch:
        _run("tar", "-xzf", str(first[1]), "-C", scratch)
        (source,) = Path(scratch).iterdir()
        second = _build_from(source, Path(scratch) / "again")
        for one, other in zip(first, second, strict=True):
            if one.read_bytes() != other.read_bytes():
                raise ReleaseError(
                    f"{one.name}: two builds of one commit differ; allowed: the same bytes; compare "
                    "the checkout with the source archive, and remove from the checkout what git does not know"
                )
    return first


def _build_from(source: Path, folder: Path) -> tuple[Path, Path]:
    epoch = _commit_time()
    for kind in ("wheel", "sdist"):
        command = (sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder))
        _run(*command, cwd=source, SOURCE_DATE_EPOCH=epoch)
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, archive


def _commit_time() -> str:
    """Return the commit's time, so that the same commit gives the same bytes; 1980 outside a repository."""
    try:
        return _run("git", "log", "-1", "--format=%ct").strip()
    except ReleaseError:
        return "315532800"


def install(wheel: Path, environment: Path) -> str:
    """Install the wheel, and what the example requires, into a new environment; return the installed version."""
    python = str(environment / "bin" / "python")
    _run(str(_UV), "venv", "--quiet", "--python", sys.executable, str(environment))
    pinned = ("--constraint", str(ROOT / "requirements.txt"))
    wanted = ("--requirement", str(EXAMPLE / "requirements.txt"), str(wheel))
    _run(str(_UV), "pip", "install", "--quiet", "--python", python, *pinned, *wanted)
    return _run(python, "-c", "from importlib import metadata; print(metadata.version('sagemaker-llm'))").strip()


def synthesize(environment: Path, out: Path) -> None:
    """Synthesize examples/own_app with the CDK's command line and the packages of an environment."""
    path = os.pathsep.join((str(environment / "bin"), os.environ["PATH"]))
    _run(str(_CDK), "synth", "--quiet", "--output", str(out), cwd=EXAMPLE, PATH=path)


def _run(*command: str, cwd: Path = ROOT, **variables: str) -> str:
    """Return what a command prints, run without the checkout's packages.

    Raises:
        ReleaseError: it failed; with the last line that it printed.

    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    name = " ".join(Path(part).name if part.startswith("/") else part for part in command[:4])
    try:
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ReleaseError(f"{command[0]}: is missing; install what the checks need: make release-check") from None
    if done.returncode:
        last = ((done.stdout + done.stderr).strip().splitlines() or ["it printed nothing"])[-1].strip()
        raise ReleaseError(f"{name}: failed with {done.returncode}: {last}; run it by itself to see everything")
    return done.stdout


def _texts() -> tuple[str, str]:
    """Return the texts of pyproject.toml and CHANGELOG.md."""
    return (ROOT / "pyproject.toml").read_text("utf-8"), (ROOT / "CHANGELOG.md").read_text("utf-8")


def check(tag: str | None) -> Iterator[str]:
    """Yield a line for each step that succeeded.

    Raises:
        ReleaseError: a step failed.

    """
    version = check_versions(*_texts(), tag)
    yield f"version: {version} in pyproject.toml, CHANGELOG.md{f' and the tag {tag}' if tag else ''}"
    if tag and (changes := _run("git", "status", "--porcelain", "--", *_SOURCES)):
        raise ReleaseError(f"{changes.split()[1]}: is not committed; allowed: what the tag has; commit or remove it")
    wheel, archive = build(DIST)
    yield f"build: {wheel.name} and {archive.name}, the same bytes twice"
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch) / "environment"
        for name, found in (
            ("wheel", install(wheel, environment)),
            ("endpointctl", _run(sys.executable, "-m", "endpointctl", "--version").split()[-1]),
        ):
            if found != version:
                raise ReleaseError(f"{name}: says version {found}; allowed: {version}; uninstall what is older")
            yield f"{name}: version {found}"
        synthesize(environment, Path(scratch) / "out")
    yield f"example: {EXAMPLE.relative_to(ROOT)} synthesizes with the installed wheel"


def main() -> None:
    """Check, or write the notes; exit 1 with one line when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tag", help="the tag of the release; default: there is none yet")
    parser.add_argument("--notes", action="store_true", help="only write the section of CHANGELOG.md to dist/")
    wanted = parser.parse_args()
    tag = wanted.tag or None  # a make variable that is not set
    try:
        if wanted.notes:
            DIST.mkdir(exist_ok=True)
            (DIST / "notes.md").write_text(notes(*_texts(), tag), "utf-8")
            return
        for line in check(tag):
            print(line, flush=True)
    except ReleaseError as error:
        raise SystemExit(f"release-check: {error}") from None


if __name__ == "__main__":
    main()
