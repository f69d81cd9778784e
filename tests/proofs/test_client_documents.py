"""The examples of docs/clients.md for the official clients, executed as they stand there."""

import os
import re
import subprocess

import pytest

from tests.support.clients import FOLDER, KEY, TOOLS, Clients
from tests.support.scripted import ScriptedServer
from tests.support.templates import ROOT

ENVIRONMENTS = {
    "cohere": "newest",
    "openai": "newest",
    "langchain-cohere": "frameworks",
    "langchain-openai": "frameworks",
    "LiteLLM": "frameworks",
    "LlamaIndex": "frameworks",
}
SECTION = (ROOT / "docs" / "clients.md").read_text("utf-8").partition("## cohere and openai SDKs\n")[2]
SIGNED = "Signed requests"  # `test_signed_requests.py` and `test_clients_through_the_proxy.py` have those
EXAMPLES = [
    (heading, code)
    for heading, text in re.findall(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", SECTION, re.DOTALL | re.MULTILINE)
    if heading != SIGNED
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
]


def test_each_client_has_an_example() -> None:
    assert {heading for heading, _ in EXAMPLES} == set(ENVIRONMENTS)


@pytest.mark.parametrize(("heading", "code"), EXAMPLES, ids=lambda value: value.partition("\n")[0])
def test_an_example_prints_the_answer(heading: str, code: str, clients: Clients, server: ScriptedServer) -> None:
    server.reset()
    printed = clients[ENVIRONMENTS[heading]].call("document.run", server.url, code=code).unwrap()
    assert printed.strip() == "ok"
    assert len(server.requests) == 1


def test_the_example_for_node_prints_the_answer(server: ScriptedServer) -> None:
    (code,) = re.findall(r"```javascript\n(.*?)```", SECTION, re.DOTALL)
    server.reset()
    run = subprocess.run(
        ["node", "--import", FOLDER / "node" / "resolve.mjs", "--input-type=module", "-e", code],
        cwd=TOOLS / "clients-node",
        env={"PATH": os.environ["PATH"], "PROXY_URL": server.url, "PROXY_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout.strip(), run.stderr) == ("ok", "")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_versions_are_those_of_the_lock_files() -> None:
    locks = "".join(path.read_text("utf-8") for path in sorted(FOLDER.glob("requirements-*.txt")))
    table = re.findall(r"^\| \[([\w-]+)\]\(#\w[\w-]*\)(?: \(Node\))? \| ([\w.,\- ]+) \|", SECTION, re.MULTILINE)
    assert len(table) == 7
    for name, versions in table:
        for version in re.findall(r"\d+(?:\.\d+)+", versions):
            package = {"LiteLLM": "litellm", "LlamaIndex": "llama-index-llms-cohere"}.get(name, name)
            lock = (FOLDER / "node" / "package.json").read_text("utf-8") if name == "cohere-ai" else locks
            assert (f'"{name}": "{version}"' if name == "cohere-ai" else f"{package}=={version} ") in lock
