"""The small request after a deployment."""

from typing import Any

import pytest

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.commands.smoke import _REQUESTS, smoke
from endpointctl.failure import Failure
from proxy.routes.table import APIS
from stacks import settings
from tests.support.templates import EXAMPLES


class Proxy:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = list[Any]()

    def ask(self, path: str, fields: Any) -> Any:
        self.asked.append((path, fields))
        return self.answer


KEYED = ("dev", {"api_key": "key"})


def test_one_small_request_through_the_front_door(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy = Proxy({"generations": [{"text": "hello"}]})
    monkeypatch.setattr(Client, "connect", lambda name, **options: proxy if (name, options) == KEYED else None)
    smoke("dev", api_key="key")
    assert proxy.asked == [("/v1/generate", {"prompt": "Say hello:", "max_tokens": 5})]
    assert capsys.readouterr().out.startswith("dev: /v1/generate answered in ")


@pytest.mark.parametrize("answer", [{}, {"generations": []}, [], None])
def test_an_answer_without_a_text_fails(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(Client, "connect", lambda *_, **__: Proxy(answer))
    with pytest.raises(Failure, match="dev: the proxy answered /v1/generate without generations"):
        smoke("dev")


class Asleep(Proxy):
    def get(self, path: str) -> tuple[int, Any]:
        assert path == "/healthz"
        return self.answer, None


@pytest.mark.parametrize("status", [200, 424])
def test_a_model_that_sleeps_is_not_woken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    proxy = Asleep(status)
    monkeypatch.setattr(settings, "read", lambda _: settings.read_file(EXAMPLES / "office-hours.yaml"))
    monkeypatch.setattr(Client, "connect", lambda *_, **__: proxy)
    monkeypatch.setattr(Aws, "is_asleep", lambda _, environment: environment == "office-hours")
    if status == 200:
        smoke("office-hours")
        said = capsys.readouterr().out
        assert said == "office-hours: the endpoint sleeps and was not woken; the front door and the proxy answered\n"
    else:
        with pytest.raises(Failure, match="office-hours: the proxy answered /healthz with the status 424"):
            smoke("office-hours")
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("example", "path", "answer"),
    [("embed-v4", "/v1/embed", {"embeddings": [[0.1]]}), ("rerank-v3-5", "/v1/rerank", {"results": [{"index": 0}]})],
)
def test_each_package_gets_a_request_that_it_can_answer(
    monkeypatch: pytest.MonkeyPatch, example: str, path: str, answer: Any
) -> None:
    proxy = Proxy(answer)
    monkeypatch.setattr(settings, "read", lambda _: settings.read_file(EXAMPLES / f"{example}.yaml"))
    monkeypatch.setattr(Client, "connect", lambda *_, **__: proxy)
    smoke(example)
    assert [asked for asked, _ in proxy.asked] == [path]


def test_there_is_a_request_for_whatever_the_proxy_serves() -> None:
    assert set(_REQUESTS) == set(APIS)
