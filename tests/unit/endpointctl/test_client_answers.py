"""What a client makes of a response with status 200: figures, or an error that keeps what arrived."""

import json
from typing import Any

import pytest

from endpointctl.client import EndpointClient
from endpointctl.completion import Completion
from endpointctl.refused import BadAnswer
from tests.unit.endpointctl.http_server import HttpServer
from tests.unit.endpointctl.test_client import client

TOKENS = [{"token": "a", "likelihood": -1.0}, {"token": " b", "likelihood": -3.0}]


def test_the_figures_of_an_answer() -> None:
    one = {"text": "a b", "token_likelihoods": TOKENS}
    whole = Completion({"generations": [{**one, "likelihood": -2.0}, one]}, 0.1)
    assert (whole.tokens, whole.tokens_in) == (4, None)
    first, second = whole.generations
    assert (first.text, first.tokens, first.likelihood, first.token_likelihoods) == ("a b", 2, -2.0, (-1.0, -3.0))
    assert second.likelihood is None
    assert Completion({"generations": [one, {"text": ""}]}, 0.1).tokens is None
    billed = {"billed_units": {"input_tokens": 3, "output_tokens": 4}}
    chat = Completion({"generations": [{"text": "", "finish_reason": "COMPLETE"}], "meta": billed}, 0.1)
    assert (chat.tokens, chat.tokens_in, chat.generations[0].finish_reason) == (4, 3, "COMPLETE")


@pytest.mark.parametrize(
    ("members", "meta"),
    [
        ({"token_likelihoods": None, "likelihood": None, "finish_reason": None}, None),
        ({"token_likelihoods": "many", "likelihood": "high", "finish_reason": 3}, []),
        ({"token_likelihoods": [1, 2], "likelihood": True}, {"billed_units": None}),
        ({"token_likelihoods": [{"likelihood": "x"}]}, {"billed_units": {"output_tokens": "3"}}),
        ({"token_likelihoods": [{"likelihood": float("nan")}]}, {"billed_units": {"output_tokens": None}}),
        ({"likelihood": 10**400, "token_likelihoods": [{"likelihood": -(10**400)}]}, None),
        ({"likelihood": float("inf"), "token_likelihoods": 0}, {"billed_units": {"output_tokens": 10**400}}),
    ],
)
def test_an_optional_member_of_another_type_counts_as_missing(members: dict[str, Any], meta: Any) -> None:
    completion = Completion({"generations": [{"text": "t", **members}], "meta": meta}, 0.1)
    (one,) = completion.generations
    assert (one.text, one.finish_reason, one.likelihood, one.tokens) == ("t", None, None, None)
    assert (completion.tokens, completion.tokens_in) == (None, None)


def test_a_text_that_utf_8_cannot_hold_is_made_printable() -> None:
    completion = Completion(json.loads(r'{"generations": [{"text": "a\ud800b\ud83d\ude00"}]}'), 0.1)
    assert completion.texts == [completion.generations[0].text] == ["a\ufffdb\U0001f600"]


BAD = [
    b"<!doctype html>\n<html><body>Sign in to the hotel's network</body></html>",
    b"",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b'"generations"',
    b"{}",
    b'{"message": "from a gateway", "code": "strange"}',
    b'{"generations": null}',
    b'{"generations": []}',
    b'{"generations": {"text": "a"}}',
    b'{"generations": ["a"]}',
    b'{"generations": [{}]}',
    b'{"generations": [{"text": null}]}',
    b'{"generations": [{"text": "a"}, {"text": 1}]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("content", BAD)
@pytest.mark.usefixtures("deep_nesting")
def test_a_200_without_generations_is_an_error_that_keeps_what_arrived(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, content: bytes, direct: bool
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    server.responses = [(200, {"Content-Type": "text/html"}, content)]
    called = EndpointClient("cohere-x", "us-east-1") if direct else client()
    with pytest.raises(BadAnswer) as caught:
        called.generate("p")
    error = caught.value
    assert (error.status, error.code, error.may_be_tried_again, len(server.requests)) == (200, "bad_answer", False, 1)
    try:
        assert error.body == json.loads(content)
    except (ValueError, RecursionError):
        assert error.body == content.decode("utf-8", "replace")
    assert "\n" not in str(error)
    assert len(str(error)) < 400
