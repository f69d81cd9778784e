"""examples/article.py runs as docs/article.md says, on the local cloud."""

import re
import subprocess
import sys
from pathlib import Path

from endpointctl.sweep.results import read
from tests.support.cloud import Deployed, environment_of
from tests.support.templates import ROOT


def test_the_articles_walk(deployed: Deployed, tmp_path: Path) -> None:
    out = tmp_path / "article.jsonl"
    walk = [sys.executable, "examples/article.py", "local", "--out", str(out)]
    done = subprocess.run(walk, cwd=ROOT, env=environment_of(deployed), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^max_tokens (\d+): \d+ characters$", done.stdout, re.MULTILINE) == [
        "100",
        "200",
        "300",
        "400",
        "500",
    ]
    likelihoods = re.findall(r"^temperature \d: mean log-probability (\S+)$", done.stdout, re.MULTILINE)
    assert len(likelihoods) == 6
    assert float(likelihoods[5]) < float(likelihoods[1]) < 0
    plan, found = read(out)
    assert (plan.count, len(found)) == (30, 30)
    assert all(one.ok for one in found)
    assert out.with_suffix(".html").stat().st_size > 1_000_000
