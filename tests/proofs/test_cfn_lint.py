"""cfn-lint on every template of the environments and of the examples, warnings too."""

import subprocess
import sys
from pathlib import Path


def test_cfn_lint_finds_nothing(assembly: Path, example_assembly: Path) -> None:
    # W3005: we name dependencies that a reference implies, because they are why the order matters.
    files = [str(path) for folder in (assembly, example_assembly) for path in folder.glob("assembly-*/*.template.json")]
    assert len(files) > 12
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
