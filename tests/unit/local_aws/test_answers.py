"""What `make demo` and `make local` print."""

import io
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from endpointctl.completion import Completion
from local_aws.runner import answers, article, serve
from local_aws.runner.answers import Answer
from local_aws.runner.cloud import Cloud

TEXTS = ["\n [bold]A title[/bold]\n\n" + "word " * 500 + "`end`", "", "x" * 300]


def twelve() -> list[Answer]:
    requests = [article.SAMPLE, *article.TOKEN_STUDY, *article.TEMPERATURE_STUDY]
    assert len(requests) == 12
    return [
        Answer("temperature", request, Completion({"generations": [{"text": TEXTS[number % 3]}]}, 0.1))
        for number, request in enumerate(requests)
    ]


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_has_one_line_for_each_answer(width: int) -> None:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(answers.table(twelve()))
    lines = [line for line in file.getvalue().splitlines() if line.strip()]
    assert len(lines) <= 16
    assert all(len(line) <= width for line in lines)
    rows = [line for line in lines if line.startswith(" temperature")]
    assert len(rows) == 12
    assert rows[0].split()[:3] == ["temperature", "100", "0"]
    assert "[bold]A t" in rows[0], "markup of a text is text"
    assert "…" in rows[2]


def test_the_file_has_the_full_texts_of_the_last_run(tmp_path: Path) -> None:
    path = tmp_path / "demo-answers.md"
    path.write_text("the former answers", "utf-8")
    answers.write(twelve(), path)
    content = path.read_text("utf-8")
    assert "former" not in content
    assert content.count("word " * 499) == 4
    assert content.count("\n## ") == 12
    assert [one.name for one in tmp_path.iterdir()] == ["demo-answers.md"]


def test_the_aws_cli_command_works_with_both_versions(tmp_path: Path) -> None:
    """Version 1 has no --cli-binary-format, version 2 takes text as base64; both take a file as raw bytes."""
    local = Cloud("http://127.0.0.1:4566", tmp_path, "a", "b")
    text = serve.commands(local, "http://abc.lambda-url.us-east-1.on.aws/", tmp_path / "env")
    write, call = re.findall(r"^  (printf .*|aws (?:.*\\\n)*.*)$", text, re.MULTILINE)
    subprocess.run(["sh", "-c", write], env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True)
    assert json.loads((tmp_path / "request.json").read_bytes())["prompt"]
    arguments = shlex.split(call.replace("$TMPDIR", str(tmp_path)))
    assert arguments[arguments.index("--body") + 1] == f"fileb://{tmp_path}/request.json"
    assert "--cli-binary-format" not in arguments
