"""The CDK CLI with nothing but the roles of pipelines: a job deploys, a pull request does not, and drift is read."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.runner import cloud
from local_aws.runner.journey import CDK, StepError, run
from tests.support.access import roles, session_of, token
from tests.support.cloud import Deployed
from tests.support.templates import ROOT, copy_of_the_app


@pytest.fixture(scope="module")
def github(deployed: Deployed) -> Iterator[None]:
    with roles(deployed):
        yield


def job() -> boto3.Session:
    return session_of("cohere-local-pipeline", token("repo:acme/cohere:environment:local"))


def pull_request() -> boto3.Session:
    return session_of("cohere-pull-request", token("repo:acme/cohere:pull_request"))


def as_session(deployed: Deployed, session: boto3.Session) -> dict[str, str]:
    """Return the environment of a program with a session's credentials."""
    credentials: Any = session.get_credentials()
    return {
        **deployed.cloud.environment(),
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
        "CDK_VALIDATION": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def cdk(deployed: Deployed, session: boto3.Session, *arguments: str, folder: Path) -> str:
    """Run the CDK CLI with a session's credentials."""
    command = [str(CDK), *arguments, "-c", "environment=local", "--ci"]
    return run(command, as_session(deployed, session), folder=folder)


def endpointctl(deployed: Deployed, session: boto3.Session, *arguments: str) -> str:
    return run([sys.executable, "-m", "endpointctl", *arguments], as_session(deployed, session))


def level(deployed: Deployed) -> str:
    functions = boto3.client("lambda").list_functions()["Functions"]
    name = next(one["FunctionName"] for one in functions if "ProxyFunction" in one["FunctionName"])
    return boto3.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]["LOG_LEVEL"]


def test_a_job_deploys_and_a_pull_request_does_not(github: None, deployed: Deployed, tmp_path: Path) -> None:
    app = copy_of_the_app(tmp_path / "app")
    file = app / "environments" / "local.yaml"
    text = file.read_text("utf-8")
    file.write_text(text + ("" if "\nproxy:" in text else "proxy:\n") + "  log_level: ERROR\n", "utf-8")
    deploy = ("deploy", "local/proxy", "--exclusively", "--require-approval", "never")
    with pytest.raises(StepError) as caught:
        cdk(deployed, pull_request(), *deploy, folder=app)
    assert "could not be used to assume" in caught.value.output
    assert level(deployed) == "INFO"
    cdk(deployed, job(), *deploy, folder=app)
    assert level(deployed) == "ERROR"


def test_the_command_line_works_with_the_roles(github: None, deployed: Deployed) -> None:
    assert "cohere-local-pipeline" in endpointctl(deployed, job(), "check", "--env", "local")
    doctor = endpointctl(deployed, job(), "doctor", "--env", "local")
    assert "ok      quota" in doctor  # by the CDK's role for look-ups
    assert " 0 wrong, " in doctor
    nightly = session_of("cohere-nightly", token("repo:acme/cohere:ref:refs/heads/main"))
    assert "looked for stacks" in endpointctl(deployed, nightly, "orphans")


def test_drift_is_read_with_the_nightly_role(github: None, deployed: Deployed, tmp_path: Path) -> None:
    """The CLI reads drift with the caller's own credentials, and assumes no role for it."""
    app = copy_of_the_app(tmp_path / "app")
    nightly = session_of("cohere-nightly", token("repo:acme/cohere:ref:refs/heads/main"))
    drift = ("drift", "local/endpoint", "--fail")
    with pytest.raises(StepError) as caught:
        cdk(deployed, pull_request(), *drift, folder=app)
    assert "cloudformation:DetectStackDrift" in caught.value.output
    cdk(deployed, nightly, *drift, folder=app)


def test_an_administrator_deploys_the_roles_and_then_bootstraps(tmp_path: Path) -> None:
    """The account is new: no role of the CDK, no bucket."""
    with cloud.running() as local:
        environment = {**local.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
        options = ("-c", "repository=acme/cohere", "--require-approval", "never", "--output", str(tmp_path / "out"))
        printed = run([str(CDK), "deploy", *options, "--ci"], environment, folder=ROOT / "pipeline_access")
        policy = "arn:aws:iam::111122223333:policy/cohere-cloudformation-execution"
        assert policy in printed
        where = "aws://111122223333/us-east-1"
        bootstrap = [str(CDK), "bootstrap", where, "--cloudformation-execution-policies", policy, "--ci"]
        run(bootstrap, environment, folder=tmp_path)
        client = boto3.client(
            "iam",
            endpoint_url=local.url,
            aws_access_key_id=local.access_key,
            aws_secret_access_key=local.secret_key,
            region_name="us-east-1",
        )
        attached = client.list_attached_role_policies(RoleName="cdk-hnb659fds-cfn-exec-role-111122223333-us-east-1")
        assert [one["PolicyArn"] for one in attached["AttachedPolicies"]] == [policy]
