"""Streaming in an environment file: each problem is one line, and names the key."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App

from stacks import settings, stage
from stacks.settings.errors import SettingsError
from tests.support.templates import EXAMPLES, changed, content_of

ELSEWHERE = {
    "region": "me-south-1",
    "model": {"package_arn": "arn:aws:sagemaker:me-south-1:865070037744:model-package/x", "api": "chat"},
    "endpoint.instance_type": "ml.g5.xlarge",
}
BUFFERED = {"proxy.streaming": False, "proxy.stream_timeout_seconds": None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"proxy.snap_start": True}, "proxy.snap_start: True does not go with streaming"),
        ({"proxy.streaming": False}, "proxy.stream_timeout_seconds: 240 has no effect without streaming"),
        ({"proxy.stream_timeout_seconds": 481}, "proxy.stream_timeout_seconds: 481 is wrong; allowed: less than or"),
        (ELSEWHERE, "proxy.streaming: True needs AWS's Lambda Web Adapter, which is not published in me-south-1"),
        ({"proxy.rest_api.timeout_seconds": 901}, "proxy.rest_api.timeout_seconds: 901 is wrong; allowed: less than"),
        (
            {**BUFFERED, "proxy.rest_api.timeout_seconds": 76},
            "proxy.rest_api.timeout_seconds: 76 is out of range; allowed: 2 to 75 seconds",
        ),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    content = changed(content_of(EXAMPLES / "streaming.yaml"), changes)
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(content), "utf-8")
    monkeypatch.setattr(settings, "ENVIRONMENTS", tmp_path)
    with pytest.raises(SettingsError) as caught:
        stage.declare(App(builtin_cloud_formation_validation=False), "wrong")
    (problem,) = caught.value.problems
    assert problem.partition("wrong.yaml: ")[2].startswith(message)
    assert "\n" not in problem
