"""The small request after a deployment."""

import json
from typing import Any

import pytest

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.commands.smoke import smoke
from endpointctl.completion import Completion
from endpointctl.failure import Failure
from stacks import settings
from stacks.settings import Settings
from tests.support.templates import EXAMPLES


class Proxy:
    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked = list[Any]()

    def generate(self, prompt: str, **fields: Any) -> Any:
        self.asked.append((prompt, fields))
        return Completion({"generations": [{"text": text} for text in self.texts]}, seconds=0.1)


def test_one_small_request_through_the_front_door(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy = Proxy("hello")
    monkeypatch.setattr(Client, "connect", lambda name, **options: proxy if (name, options) == KEYED else None)
    smoke("dev", api_key="key")
    assert proxy.asked == [("Say hello:", {"max_tokens": 5})]
    assert capsys.readouterr().out.startswith("dev: answered through the proxy in ")


KEYED = ("dev", {"api_key": "key"})


def test_an_answer_without_a_text_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "connect", lambda *_, **__: Proxy())
    with pytest.raises(Failure, match="dev: the proxy answered without a text"):
        smoke("dev")


class Runtime:
    def __init__(self) -> None:
        self.sent: Any = None

    def invoke_endpoint(self, **given: Any) -> None:
        self.sent = given


@pytest.mark.parametrize(("example", "key"), [("embed-v4", "texts"), ("rerank-v3-5", "documents")])
def test_without_a_proxy_the_endpoint_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], example: str, key: str
) -> None:
    environment = settings.read_file(EXAMPLES / f"{example}.yaml")
    runtime = Runtime()
    monkeypatch.setattr(settings, "read", lambda _: environment)
    monkeypatch.setattr(Aws, "client", lambda *_: runtime)
    smoke(example)
    assert runtime.sent["EndpointName"] == environment.endpoint.name
    assert key in json.loads(runtime.sent["Body"])
    assert f"answered at the endpoint {environment.endpoint.name} in " in capsys.readouterr().out


def test_a_package_that_nobody_knows_a_request_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "read", lambda _: settings.read_file(EXAMPLES / "embed-v4.yaml"))
    monkeypatch.setattr(Settings, "api", property(lambda _: "summarize"))
    with pytest.raises(Failure, match=r"no request is known for this package: call .* with InvokeEndpoint yourself"):
        smoke("x")
