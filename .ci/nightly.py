"""Look for drift in each environment, and for stacks that no file declares; write what there is as Markdown.

    python .ci/nightly.py --file nightly.md dev prod

The file is empty when nothing was found. It exits with 1 when something was, or could not be looked at.
Standard library only.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

TIMEOUT = 480.0
"""How long one look may take, in seconds: three of them fit into the workflow's time, so that the issue is written."""


def main(arguments: list[str]) -> int:
    """Run the make targets one after the other, and write what the failed ones printed."""
    parser = argparse.ArgumentParser(description="Look for drift and orphans.")
    parser.add_argument("--file", type=Path, required=True, help="the Markdown to write")
    parser.add_argument("environments", nargs="+")
    given = parser.parse_args(arguments)
    looks = {f"Drift in {name}": ["drift", f"ENV={name}", "ARGS=--ci --no-color"] for name in given.environments}
    looks["Stacks that no file declares"] = ["orphans"]
    found = []
    for title, target in looks.items():
        code, text = _run(["make", "--no-print-directory", *target])
        sys.stdout.write(f"{title}: {'yes, or not known' if code else 'none'}\n{text}\n")
        if code:
            found.append(f"### {title}\n\n```text\n{text.replace('```', '` ` `').strip()}\n```\n")
    given.file.write_text("\n".join(found), "utf-8")
    return 1 if found else 0


def _run(command: list[str]) -> tuple[int, str]:
    """Return a command's exit code and what it printed; what it started is ended with it when it takes too long."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        text = process.communicate(timeout=TIMEOUT)[0]
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGINT)  # a session of its own does not get the terminal's
        raise
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text = f"{process.communicate()[0]}\nnot known: it took longer than {TIMEOUT:.0f} s and was ended: run it again"
    return process.returncode, text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
