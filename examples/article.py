"""The article's walk, on this project: deploy, one sample, both loops, the grid of thirty, clean-up.

    python examples/article.py dev --deploy --destroy

docs/article.md has each step beside the article's own lines. Source: "Deploying Cohere Language Models On Amazon
SageMaker", Ram Vegiraju, Towards Data Science, 2023-05-18.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from endpointctl.client import Client

PROMPT = "Write a LinkedIn post about starting a career in tech:"


def main() -> None:
    """Walk through the article; the endpoint costs money from ``--deploy`` to ``--destroy``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", help="a file in environments/, e.g. dev")
    parser.add_argument("--deploy", action="store_true", help="deploy first")
    parser.add_argument("--destroy", action="store_true", help="destroy afterwards")
    parser.add_argument("--out", type=Path, default=Path("article.jsonl"), help="the grid's results")
    wanted = parser.parse_args()
    if wanted.deploy:
        subprocess.run(["make", "deploy", f"ENV={wanted.environment}"], cwd=ROOT, check=True)
    try:
        walk(wanted.environment, wanted.out)
    finally:
        if wanted.destroy:
            subprocess.run(["make", "destroy", f"ENV={wanted.environment}"], cwd=ROOT, check=True)


def walk(environment: str, out: Path) -> None:
    """Do what the article does between its first and its last step."""
    client = Client.connect(environment)

    response = client.generate(PROMPT, max_tokens=100, temperature=0, return_likelihoods="GENERATION")
    print("One sample:", response.generations[0].text)

    for max_tokens in range(100, 600, 100):
        response = client.generate(PROMPT, max_tokens=max_tokens, temperature=0.9)
        print(f"max_tokens {max_tokens}: {len(response.generations[0].text)} characters")

    for temperature in range(6):
        response = client.generate(PROMPT, max_tokens=100, temperature=temperature, return_likelihoods="GENERATION")
        print(f"temperature {temperature}: mean log-probability {response.generations[0].likelihood:.2f}")

    grid = ["--max-tokens", "100:500:100", "--temperature", "0:5:1", "--prompt", PROMPT, "--out", str(out), "--yes"]
    subprocess.run([sys.executable, "-m", "endpointctl", "sweep", "--env", environment, *grid], cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "endpointctl", "report", str(out)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
