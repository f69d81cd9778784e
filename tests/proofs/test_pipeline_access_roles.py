"""The roles of pipelines, with IAM enforced: whose token gets which role, and what each role may do.

The local cloud reads a token's issuer, audience and subject; it checks no signature.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.refused import Refused
from tests.support.access import ACCOUNT, GITHUB, assumed, roles, session_of, token
from tests.support.cloud import Deployed, policy

DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")


@dataclass(frozen=True)
class Platform:
    """A platform whose pipelines may deploy.

    Attributes:
        settings: those of its stack, beside the repository's name.
        issuer: who signs.
        job: the subject of a job that deploys; ``{}`` is the environment.
        change: that of a pull request's job.
        branch: that of a nightly job.
        strangers: subjects that get no role at all.

    """

    settings: dict[str, Any]
    issuer: str
    job: str
    change: str
    branch: str
    strangers: tuple[str, ...]

    def __str__(self) -> str:
        return self.issuer


GITHUB_IDS = "repo:acme-1234/cohere-5678"
PROJECT = "project_path:acme/cohere:ref_type"
SELF_HOSTED = "gitlab.example.com"
PLATFORMS = [
    Platform(
        {},
        GITHUB,
        "repo:acme/cohere:environment:{}",
        "repo:acme/cohere:pull_request",
        "repo:acme/cohere:ref:refs/heads/main",
        (
            "repo:evil/cohere:environment:local",
            "repo:acme/cohere-fork:environment:local",
            "repo:acme/cohere:environment:local2",
            "repo:acme/cohere:environment:LOCAL",
            "repo:acme/cohere:ref:refs/heads/feature",
            "repo:acme/cohere:ref:refs/tags/main",
            "repo:evil/cohere:pull_request",
        ),
    ),
    Platform(
        {"subject_prefix": GITHUB_IDS},
        GITHUB,
        f"{GITHUB_IDS}:environment:{{}}",
        f"{GITHUB_IDS}:pull_request",
        f"{GITHUB_IDS}:ref:refs/heads/main",
        ("repo:acme/cohere:environment:local", "repo:acme-1/cohere-5678:environment:local"),
    ),
    Platform(
        {
            "platform": "gitlab",
            "issuer": SELF_HOSTED,
            "environment_subject": "ref_type:branch:ref:{branch}:environment:{environment}",
        },
        SELF_HOSTED,
        f"{PROJECT}:branch:ref:main:environment:{{}}",
        f"{PROJECT}:branch:ref:feature",
        f"{PROJECT}:branch:ref:main",
        (
            "project_path:evil/cohere:ref_type:branch:ref:main",
            "project_path:acme/cohere/fork:ref_type:branch:ref:main",
            f"{PROJECT}:tag:ref:main",
            f"{PROJECT}:tag:ref:main:environment:local",
        ),
    ),
]


@pytest.fixture(scope="module", params=PLATFORMS, ids=["github", "github-ids", "gitlab"])
def platform(request: pytest.FixtureRequest, deployed: Deployed) -> Iterator[Platform]:
    """A platform, with its stack deployed."""
    found: Platform = request.param
    with roles(deployed, **found.settings):
        yield found


def job(platform: Platform, environment: str) -> boto3.Session:
    subject = platform.job.format(environment)
    return session_of(f"cohere-{environment}-pipeline", token(subject, issuer=platform.issuer))


def reader(platform: Platform, role: str) -> boto3.Session:
    subject = {"cohere-pull-request": platform.change, "cohere-nightly": platform.branch}[role]
    return session_of(role, token(subject, issuer=platform.issuer))


def denied(call: Callable[[], Any]) -> None:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] in DENIED, caught.value


def name_of(session: boto3.Session) -> str:
    return str(session.client("sts").get_caller_identity()["Arn"]).split("/")[1]


ROLES = (
    "cohere-local-pipeline",
    "cohere-dev-pipeline",
    "cohere-prod-pipeline",
    "cohere-pull-request",
    "cohere-nightly",
)
READERS = ("cohere-pull-request", "cohere-nightly")


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_a_job_gets_the_role_of_its_environment_and_no_other(platform: Platform, environment: str) -> None:
    own = f"cohere-{environment}-pipeline"
    assert name_of(job(platform, environment)) == own
    web_token = token(platform.job.format(environment), issuer=platform.issuer)
    others = [role for role in ROLES if role != own]
    if platform.issuer == SELF_HOSTED:
        others.remove("cohere-pull-request")  # any branch of the project may look
    for role in others:
        denied(partial(session_of, role, web_token))


@pytest.mark.parametrize("role", READERS)
def test_a_job_that_deploys_nothing_gets_no_role_that_deploys(platform: Platform, role: str) -> None:
    assert name_of(reader(platform, role)) == role
    subject = {"cohere-pull-request": platform.change, "cohere-nightly": platform.branch}[role]
    for other in ROLES[:3]:
        denied(partial(session_of, other, token(subject, issuer=platform.issuer)))


def test_strangers_get_no_role(platform: Platform) -> None:
    for subject in platform.strangers:
        for role in ROLES:
            denied(partial(session_of, role, token(subject, issuer=platform.issuer)))


@pytest.mark.parametrize(
    "claims",
    [
        {"audience": "https://github.com/acme"},
        {"issuer": "token.actions.githubusercontent.com.evil.example"},
        {"issuer": f"{GITHUB}/acme"},
        {"issuer": "gitlab.com"},
    ],
    ids=lambda claims: next(iter(claims.values())),
)
def test_another_audience_or_issuer_gets_no_role(platform: Platform, claims: dict[str, str]) -> None:
    for role, subject in [("cohere-local-pipeline", platform.job.format("local")), (READERS[0], platform.change)]:
        web_token = token(subject, **{"issuer": platform.issuer, **claims})
        denied(partial(session_of, role, web_token))


KINDS = ("deploy", "file-publishing", "lookup", "image-publishing", "cfn-exec")


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_may_assume_the_cdks_roles_that_it_needs(platform: Platform, kind: str) -> None:
    session = job(platform, "local")
    if kind in ("deploy", "file-publishing", "lookup"):
        assert name_of(assumed(session, kind)).startswith(f"cdk-hnb659fds-{kind}-role-")
    else:
        denied(lambda: assumed(session, kind))


@pytest.fixture(scope="module")
def elsewhere(deployed: Deployed) -> None:
    """The CDK's roles of another region, and of another bootstrap in the same one."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
    for kind in ("deploy", "file-publishing", "lookup"):
        for qualifier, region in (("hnb659fds", "eu-west-1"), ("another", "us-east-1")):
            name = f"cdk-{qualifier}-{kind}-role-{ACCOUNT}-{region}"
            boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))


@pytest.mark.parametrize("kind", ["deploy", "file-publishing", "lookup"])
def test_a_job_may_assume_roles_of_its_region_and_bootstrap_only(
    elsewhere: None, platform: Platform, kind: str
) -> None:
    assert name_of(assumed(job(platform, "prod"), kind, region="eu-west-1")).endswith("eu-west-1")
    denied(lambda: assumed(job(platform, "prod"), kind))
    denied(lambda: assumed(job(platform, "local"), kind, region="eu-west-1"))
    denied(lambda: assumed(job(platform, "local"), kind, qualifier="another"))


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_who_only_looks_may_assume_the_lookup_role(platform: Platform, role: str, kind: str) -> None:
    session = reader(platform, role)
    if kind == "lookup":
        assert name_of(assumed(session, kind)).startswith("cdk-hnb659fds-lookup-role-")
    else:
        denied(lambda: assumed(session, kind))


PROBES: list[tuple[str, Callable[[boto3.Session], Any]]] = [
    ("delete an endpoint", lambda s: s.client("sagemaker").delete_endpoint(EndpointName="cohere-local")),
    ("describe an endpoint", lambda s: s.client("sagemaker").describe_endpoint(EndpointName="cohere-local")),
    (
        "invoke the endpoint",
        lambda s: s.client("sagemaker-runtime").invoke_endpoint(EndpointName="cohere-local", Body=b"{}"),
    ),
    ("make a user", lambda s: s.client("iam").create_user(UserName="x")),
    ("read roles", lambda s: s.client("iam").list_roles()),
    (
        "widen itself",
        lambda s: s.client("iam").put_role_policy(
            RoleName="cohere-local-pipeline", PolicyName="x", PolicyDocument="{}"
        ),
    ),
    ("read buckets", lambda s: s.client("s3").list_buckets()),
    (
        "read objects",
        lambda s: s.client("s3").get_object(Bucket="cdk-hnb659fds-assets-111122223333-us-east-1", Key="x"),
    ),
    ("delete a stack", lambda s: s.client("cloudformation").delete_stack(StackName="cohere-local-proxy")),
    ("read all stacks", lambda s: s.client("cloudformation").describe_stacks()),
    ("read another stack", lambda s: s.client("cloudformation").describe_stacks(StackName="CDKToolkit")),
    ("read a template", lambda s: s.client("cloudformation").get_template(StackName="cohere-local-proxy")),
    ("read parameters", lambda s: s.client("ssm").get_parameter(Name="/cohere/local/api")),
    ("list functions", lambda s: s.client("lambda").list_functions()),
    ("read logs", lambda s: s.client("logs").describe_log_groups()),
    ("read keys", lambda s: s.client("kms").list_keys()),
]


@pytest.mark.parametrize(("what", "probe"), PROBES, ids=[what for what, _probe in PROBES])
def test_no_role_may_do_anything_by_itself(
    platform: Platform, what: str, probe: Callable[[boto3.Session], Any]
) -> None:
    denied(lambda: probe(job(platform, "local")))
    denied(lambda: probe(reader(platform, "cohere-pull-request")))


def test_a_job_sees_the_stacks_of_its_environment_only(platform: Platform) -> None:
    own, other = (job(platform, name).client("cloudformation") for name in ("local", "dev"))
    for stack in ("cohere-local-endpoint", "cohere-local-proxy"):
        assert own.describe_stacks(StackName=stack)["Stacks"]
        denied(partial(other.describe_stacks, StackName=stack))


def test_a_pull_request_sees_whether_an_environment_exists(platform: Platform) -> None:
    """A removed file makes `make diff BASE=` ask for stacks that no file declares."""
    cloudformation = reader(platform, "cohere-pull-request").client("cloudformation")
    assert cloudformation.describe_stacks(StackName="cohere-local-endpoint")["Stacks"]
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="cohere-removed-endpoint")


def test_a_job_makes_the_checks_before_a_deployment(platform: Platform) -> None:
    own = job(platform, "local")
    assert own.client("lambda").get_account_settings()["AccountLimit"]
    assert "ResponseMetadata" in own.client("apigateway").get_account()
    # Not GetFunctionConcurrency: the local cloud asks for the permission to put one.


def proxy(session: boto3.Session) -> Client:
    credentials: Any = session.get_credentials()
    return Client(Aws("us-east-1").proxy_url("local"), credentials, "us-east-1", attempts=1)


def test_the_smoke_test_calls_its_own_proxy_only(platform: Platform) -> None:
    assert proxy(job(platform, "local")).generate(prompt="a", max_tokens=1).texts
    for session in (job(platform, "dev"), reader(platform, "cohere-pull-request"), reader(platform, "cohere-nightly")):
        with pytest.raises(Refused) as caught:
            proxy(session).generate(prompt="a", max_tokens=1)
        assert caught.value.status == 403
