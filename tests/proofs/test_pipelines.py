"""The workflow files, unchanged, executed on this machine: from a pull request to production, and what stops a change.

Each test starts from what the ones before it deployed, as a team's repository and account do.
"""

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest

from endpointctl.aws import Aws
from endpointctl.deployments import Deployments
from local_aws.conditions import Conditions, set_conditions
from local_aws.runner.cloud import REGION
from tests.support.cloud import Deployed, Stacks
from tests.support.pipelines import FILE, NAMES, Pipelines, files, steps


@pytest.fixture(scope="module")
def promoted(team: Pipelines) -> str:
    """The commit that the workflow brought to production."""
    done = team.run("deploy", "push")
    assert done.returncode == 0, done.stdout
    return team.git("rev-parse", "HEAD")


def recorded(environment: str) -> list[tuple[str, str]]:
    """Return commit and kind of each deployment, the oldest first."""
    return [(one.commit, one.kind) for one in Deployments(Aws(REGION), environment).recorded]


def running(environment: str) -> str | None:
    found = Deployments(Aws(REGION), environment).running
    return found.commit if found else None


def test_a_change_reaches_production_by_one_assembly(promoted: str) -> None:
    assert [recorded(name) for name in NAMES] == [[(promoted, "deploy")]] * 2
    assert [running(name) for name in NAMES] == [promoted] * 2
    contents = []
    for name in NAMES:
        deployments = Deployments(Aws(REGION), name)
        with zipfile.ZipFile(io.BytesIO(deployments.assembly(deployments.recorded[-1]))) as assembly:
            contents.append({one: hashlib.sha256(assembly.read(one)).hexdigest() for one in assembly.namelist()})
    # What was synthesized once: the CLI's own cache of zip files is no part of it.
    first, second = ({k: v for k, v in one.items() if "/.cache/" not in k} for one in contents)
    assert first == second
    assert json.loads(assembly_file(NAMES[1], "release.json"))["commit"] == promoted


def assembly_file(environment: str, name: str) -> bytes:
    deployments = Deployments(Aws(REGION), environment)
    with zipfile.ZipFile(io.BytesIO(deployments.assembly(deployments.recorded[-1]))) as assembly:
        return assembly.read(name)


def test_a_failed_smoke_test_rolls_back_and_stops_the_promotion(team: Pipelines, promoted: str) -> None:
    handler = (team.repository / "lambda" / "proxy" / "handler.py").read_text("utf-8")
    broken = handler.replace(
        "    response = _core.respond(",
        '    if "generate" in str(event.get("rawPath")):  # the version check asks for /healthz only\n'
        '        return {"statusCode": 500, "body": "{}"}\n'
        "    response = _core.respond(",
    )
    assert broken != handler
    commit = team.commit("a fault that no check finds", {"lambda/proxy/handler.py": broken})
    done = team.run("deploy", "push")
    assert done.returncode, done.stdout
    assert steps(done.stdout) == [
        *("deploy synth ok", "dev runtime ok", "dev deploy ok", "dev smoke failed", "dev rollback ok")
    ], done.stdout
    assert recorded("dev")[-2:] == [(commit, "deploy"), (promoted, "rollback")]
    assert running("dev") == promoted
    assert recorded("prod") == [(promoted, "deploy")]
    team.commit("mended", {"lambda/proxy/handler.py": handler})


def test_a_failed_deployment_stops_the_promotion(team: Pipelines, deployed: Deployed, promoted: str) -> None:
    commit = team.commit("larger", files(FILE.replace("g5.xlarge", "g5.2xlarge")))
    set_conditions(Conditions(capacity={"ml.g5.2xlarge": 0}), deployed.cloud.conditions)
    done = team.run("deploy", "push")
    deployed.cloud.conditions.unlink()
    team.commit("as before", files())
    assert done.returncode
    assert steps(done.stdout) == ["deploy synth ok", "dev runtime ok", "dev deploy failed"], done.stdout
    assert recorded("dev")[-1] == (commit, "deploy")
    assert running("dev") == promoted
    assert Stacks("dev").status("endpoint") == "UPDATE_ROLLBACK_COMPLETE"
    assert recorded("prod") == [(promoted, "deploy")]


def test_drift_and_orphans_open_an_issue_that_closes_by_itself(
    team: Pipelines, deployed: Deployed, promoted: str
) -> None:
    template = deployed.sagemaker.describe_endpoint(EndpointName="cohere-dev")["EndpointConfigName"]
    (variant,) = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=template)["ProductionVariants"]
    by_hand: Any = {**variant, "InitialInstanceCount": 2}
    deployed.sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=[by_hand])
    update(deployed, "by-hand")
    found = team.run("nightly", "schedule")
    assert found.returncode, found.stdout
    (issue,) = team.github["issues"]
    assert issue["state"] == "open"
    assert "### Drift in dev" in issue["body"]
    assert "by-hand" in issue["body"], issue["body"]
    assert "### Drift in prod" not in issue["body"]
    # The deployed local environment, of which this repository has no file.
    assert "cohere-local-endpoint (us-east-1, CREATE_COMPLETE): 1 ml.g5.xlarge" in issue["body"]
    update(deployed, template)
    Stacks("local").destroy()
    nothing = team.run("nightly", "schedule")
    assert nothing.returncode == 0, nothing.stdout
    assert [one["state"] for one in team.github["issues"]] == ["closed"]


def test_an_assembly_that_main_has_overtaken_is_not_promoted(team: Pipelines, promoted: str) -> None:
    commit = team.git("rev-parse", "HEAD")
    team.variables["OVERTAKEN_BEFORE"] = "prod"
    done = team.run("deploy", "push")
    del team.variables["OVERTAKEN_BEFORE"]
    assert done.returncode
    assert steps(done.stdout) == [
        *("deploy synth ok", "dev runtime ok", "dev deploy ok", "dev smoke ok"),
        *("prod runtime ok", "prod deploy failed"),
    ], done.stdout
    moved = team.git("rev-parse", "HEAD")
    assert moved != commit
    assert f"the assembly is of commit {commit}, and the branch is at {moved}: it is not deployed" in done.stdout
    assert recorded("dev")[-1] == (commit, "deploy")
    assert recorded("prod") == [(promoted, "deploy")]


def update(deployed: Deployed, config: str) -> None:
    deployed.sagemaker.update_endpoint(EndpointName="cohere-dev", EndpointConfigName=config)
    wait: Any = {"Delay": 1, "MaxAttempts": 9}
    deployed.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="cohere-dev", WaiterConfig=wait)
