"""Look for drift in each environment, and for stacks that no file declares; write what there is as Markdown.

    python .ci/nightly.py --file nightly.md dev prod

The file is empty when nothing was found. It exits with 1 when something was, or could not be looked at.
Standard library only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


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
        done = subprocess.run(
            ["make", "--no-print-directory", *target],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        sys.stdout.write(f"{title}: {'yes, or not known' if done.returncode else 'none'}\n{done.stdout}\n")
        if done.returncode:
            found.append(f"### {title}\n\n```text\n{done.stdout.replace('```', '` ` `').strip()}\n```\n")
    given.file.write_text("\n".join(found), "utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
