"""``endpointctl generate``: where its prompt comes from, and how its exit codes tell one end from another."""

import io
import json
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from endpointctl import cli
from endpointctl.client import Client
from endpointctl.commands.generate import _prompt
from endpointctl.failure import Failure
from tests.unit.endpointctl.http_server import GOOD, HttpServer

URL = "https://abc.execute-api.us-east-1.amazonaws.com/live"


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process, with a client of the test's server."""
    client = Client(URL, Credentials("AKIDEXAMPLE", "secret"), "us-east-1", attempts=1)
    monkeypatch.setattr(Client, "connect", lambda *_, **__: client)
    monkeypatch.setattr("sys.argv", ["endpointctl", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("status", "code", "exits"),
    [
        (200, "", 0),
        (400, "invalid_field", 3),
        (400, "model_refused", 3),
        (413, "request_too_large", 3),
        (403, "", 1),
        (500, "internal_error", 1),
        (500, "access_denied", 1),
        (502, "endpoint_unavailable", 1),
        (502, "model_failed", 1),
        (429, "throttled", 4),
        (503, "not_ready", 4),
        (503, "unavailable", 4),
        (502, "partial_generations", 5),
        (502, "answer_too_large", 5),
        (500, "api_gateway_error", 5),
        (503, "api_gateway_error", 5),
        (503, "", 5),
        (502, "sagemaker_failed", 5),
        (502, "bad_answer", 5),
        (504, "timed_out", 5),
        (504, "connection_lost", 5),
    ],
)
def test_exit_codes_of_responses(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, status: int, code: str, exits: int
) -> None:
    server.responses = [(status, {}, GOOD if status == 200 else json.dumps({"code": code, "message": "m"}).encode())]
    assert exit_code(monkeypatch, "generate", "hello") == exits


def test_the_exit_code_of_an_answer_that_is_none(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.responses = [(200, {}, b"<html>\n<body>Sign in</body></html>")]
    assert exit_code(monkeypatch, "generate", "hello") == 5
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_exit_code_of_a_lost_request(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.hangs_up = True
    assert exit_code(monkeypatch, "generate", "hello") == 5


def test_the_exit_code_of_an_api_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert exit_code(monkeypatch, "generate", "hello") == 4


def test_the_exit_code_of_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exit_code(monkeypatch, "generate", "--nonsense") == 2


def test_only_this_programs_own_key_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str | None] = []

    def connect(_environment: str, *, api_key: str | None = None, **_: object) -> None:
        keys.append(api_key)
        raise Failure("enough")

    monkeypatch.setattr(Client, "connect", connect)
    monkeypatch.setenv("COHERE_API_KEY", "of Cohere's own platform")
    for arguments in (["generate", "hello"], ["sweep", "--prompt", "p", "--yes", "--out", str(tmp_path / "r.jsonl")]):
        monkeypatch.setattr("sys.argv", ["endpointctl", *arguments])
        for key in (None, "ours"):
            if key:
                monkeypatch.setenv("ENDPOINTCTL_API_KEY", key)
            else:
                monkeypatch.delenv("ENDPOINTCTL_API_KEY", raising=False)
            with pytest.raises(SystemExit):
                cli.main()
    assert keys == [None, "ours"] * 2


NASTY = ":smile: 0:100:0 [bold]x[/bold]\ta\r\nb\x1b[31mc\u2028日本 "


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_text_is_printed_as_the_model_wrote_it(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], output: str
) -> None:
    body = {"generations": [{"text": NASTY}]}
    server.responses = [(200, {}, json.dumps(body).encode())]
    assert exit_code(monkeypatch, "generate", "hello", "--output", output) == 0
    printed = capfdbinary.readouterr().out.decode()
    if output == "json":
        assert json.loads(printed) == body
    else:
        assert printed == NASTY + "\n"


def test_a_table_keeps_the_letters_of_a_text(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.responses = [(200, {}, json.dumps({"generations": [{"text": ":smile: [b]x"}]}).encode())]
    assert exit_code(monkeypatch, "generate", "hello", "--output", "table") == 0
    assert ":smile: [b]x" in capsys.readouterr().out


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_text_that_the_terminal_cannot_show_is_printed_all_the_same(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    server.responses = [(200, {}, json.dumps({"generations": [{"text": "日本"}]}).encode())]
    content = io.BytesIO()
    terminal = io.TextIOWrapper(content, "latin-1")
    monkeypatch.setattr("sys.stdout", terminal)
    assert exit_code(monkeypatch, "generate", "hello", "--output", output) == 0
    terminal.flush()
    assert b"\\u65e5\\u672c" in content.getvalue()


@pytest.mark.parametrize(
    ("argument", "content", "prompt"),
    [("hello", None, "hello"), ("-", "in", "in"), (None, "in", "in"), (None, "\ufeffin", "in")],
)
def test_where_a_prompt_comes_from(
    monkeypatch: pytest.MonkeyPatch, argument: str | None, content: str | None, prompt: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(content or ""))
    assert _prompt(argument, None) == prompt


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_prompt_from_a_file(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("from a file", encoding)
    assert _prompt(None, file) == "from a file"


def test_prompts_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="exclude each other"):
        _prompt("hello", tmp_path / "prompt.txt")
    with pytest.raises(Failure, match="give a file of UTF-8 text"):
        _prompt(None, tmp_path / "missing.txt")
    monkeypatch.setattr("sys.stdin", io.StringIO(" \n"))
    with pytest.raises(Failure, match="the prompt is empty"):
        _prompt(None, None)
