"""The CLI reports a change by hand, and the next deployment corrects it."""

from pathlib import Path

from tests.support.cloud import Deployed, edit_by_hand, state

CHOSEN = ("local/endpoint", "-c", "environment=local")


def test_drift(deployed: Deployed, tmp_path: Path) -> None:
    app = tmp_path / "app"
    edit_by_hand(deployed)
    drift = deployed.cdk("drift", *CHOSEN, folder=app)
    assert "AWS::SageMaker::Endpoint" in drift
    assert "by-hand" in drift
    deployed.cdk(
        "deploy",
        *CHOSEN,
        "--exclusively",
        "--require-approval",
        "never",
        folder=app,
        files={"environments/local.yaml": (app / "environments" / "local.yaml").read_text("utf-8") + "tags: {a: b}\n"},
    )
    assert state(deployed)[0] == "InService"
