"""The proxy in front of an endpoint: a Lambda function behind an alias, and the simpler of its two front doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from aws_cdk import Aws, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm.endpoint.gpu_endpoint import InvocableEndpoint
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_range
from sagemaker_llm.models.catalog import Api
from sagemaker_llm.proxy.function import Reasons, python_function
from sagemaker_llm.proxy.version_check import VersionCheck
from stacks.acknowledgements import acknowledge

LogLevel: TypeAlias = Literal["INFO", "ERROR"]

RESERVE_SECONDS = 5
"""What the function may use beside the model: connecting, parsing and answering."""

MAX_GENERATE_SECONDS = 70
"""SageMaker ends a normal invocation after 60 s and AWS advises clients to wait 70 s for such models.

Source: botocore's model of sagemaker-runtime, ``InvokeEndpoint``.
"""

_REASONS = Reasons(
    dead_letters="the function is only invoked synchronously: a failure is the caller's answer; nothing is queued",
    concurrency="the endpoint's instances are the limit: what is above it is throttled there, and answered with 429",
    network="the function calls SageMaker's public endpoint with IAM and nothing else; it holds no data",
    tracing="there is one hop behind it, and its log line has the time of both: a trace would tell no more",
)


@dataclass(frozen=True)
class RequestCaps:
    """What one request may cost.

    Attributes:
        default_max_tokens: sent as ``max_tokens`` when a request names none; default 200. Containers differ in what
            they do then: 20 tokens, 400, or until the model has ended.
        max_tokens: the most that a request may ask for, for each generation; default 4096.
        max_generations: the most ``num_generations``, 1 to 5; default 5.
        max_prompt_characters: the longest prompt, in characters; default 262144.

    """

    default_max_tokens: int = 200
    max_tokens: int = 4096
    max_generations: int = 5
    max_prompt_characters: int = 262_144

    def __post_init__(self) -> None:
        for option in ("max_tokens", "max_prompt_characters"):
            check_range(option, getattr(self, option), 1, float("inf"))
        check_range("max_generations", self.max_generations, 1, 5)
        check_range("default_max_tokens", self.default_max_tokens, 1, self.max_tokens)

    @property
    def limits(self) -> dict[str, int]:
        """Return the numbers by the names that the schema of a request has for them."""
        return {name.upper(): value for name, value in asdict(self).items()}

    def variables(self) -> dict[str, str]:
        """Return the function's environment variables."""
        return {name: str(value) for name, value in self.limits.items()}


class GenerateProxy(Construct):
    """A Lambda proxy that answers ``POST /v1/generate``, once it has a front door.

    The doors are ``add_function_url`` and ``RestDoor``. The function may write to its own log group and invoke this one
    endpoint; nothing else. Whatever changes it makes a new version. A second function asks that version for its health,
    and only then the alias ``live``, which the door belongs to, moves to it: a version that cannot start fails the
    deployment and meets no caller.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        endpoint: the endpoint to ask.
        code: the source of the proxy, ``proxy.handler.handler``, and of its check, ``version_check.handler.handler``.
        api: what the endpoint's container answers, ``generate`` (default) or ``chat``; for chat, requests and answers
            are translated, and each generation is a request of its own.
        generate_timeout: how long one generation may take, 1 to 70 s; default 65 s, more than SageMaker's own 60 s.
        max_request_bytes: the longest request body, in bytes; default 262144. A 2023 model reads about 8 KB of text.
        caps: what one request may cost; default see ``RequestCaps``.
        memory_mib: the function's memory in MiB, 128 to 10240; default 512. CPU grows with it.
        reserved_concurrency: how many requests are answered at once, at most and in any case; it is taken from the
            account's limit, of which 100 have to stay unreserved. Above it Lambda answers 429. Default: the account's
            common pool.
        log_retention: how long the proxy's log lines are kept; default one month. They hold no prompt and no text.
        log_level: INFO (default): a line for each request; ERROR: metrics of all, and a line for a status of 500 or
            more.
        front_door_limit: when the door gives up, which the function's deadline then knows; default never.
        cors_origins: the origins whose pages may read the answers in a browser; default none.
        snap_start: restore execution environments from a snapshot of a started one; default false. AWS bills caching
            and restoring it: docs.aws.amazon.com/lambda/latest/dg/snapstart.html.

    Attributes:
        function: the function.
        alias: its alias ``live``, which callers reach.
        log_group: its log group.

    Raises:
        OptionError: a value that Lambda or SageMaker would refuse.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: InvocableEndpoint,
        code: lambda_.Code,
        api: Api = "generate",
        generate_timeout: Duration | None = None,
        max_request_bytes: int = 262_144,
        caps: RequestCaps | None = None,
        memory_mib: int = 512,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        log_level: LogLevel = "INFO",
        front_door_limit: Duration | None = None,
        cors_origins: Sequence[str] = (),
        snap_start: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        seconds = _generate_seconds(generate_timeout)
        if reserved_concurrency is not None:
            check_range("reserved_concurrency", reserved_concurrency, 1, float("inf"))
        if api not in ("generate", "chat"):
            raise OptionError("api", api, problem="is nothing a proxy can translate", allowed="generate, chat")
        self.function = python_function(
            self,
            "",
            description=f"Cohere's /v1/generate in front of the SageMaker endpoint {endpoint.endpoint_name}",
            purpose="Lets the proxy write its log and invoke its endpoint",
            code=code,
            handler="proxy.handler.handler",
            seconds=seconds + RESERVE_SECONDS,
            memory_mib=memory_mib,
            log_retention=log_retention,
            reasons=_REASONS,
            reserved_concurrency=reserved_concurrency,
            environment={
                "API": api,
                "ENDPOINT_NAME": endpoint.endpoint_name,
                "GENERATE_TIMEOUT_SECONDS": str(seconds),
                "MAX_REQUEST_BYTES": str(max_request_bytes),
                "LOG_LEVEL": log_level,
                **({"FRONT_DOOR_SECONDS": str(front_door_limit.to_seconds())} if front_door_limit else {}),
                **({"CORS_ORIGINS": " ".join(cors_origins)} if cors_origins else {}),
                **(caps or RequestCaps()).variables(),
            },
            snap_start=snap_start,
        )
        self.log_group = self.function.log_group
        endpoint.grant_invoke(self.function)
        version = self.function.current_version
        check = VersionCheck(self, "Check", version=version, code=code, log_retention=log_retention)
        self.alias = lambda_.Alias(self, "Live", alias_name="live", version=version)
        self.alias.node.add_dependency(check)
        # Nobody invokes it asynchronously; who does all the same shall not pay for three generations.
        self.alias.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        acknowledge(self.alias, "LambdaAsyncFailureDestination", reason=_REASONS.dead_letters, packs=["Serverless"])

    def add_function_url(self, callers: Sequence[str] = ()) -> str:
        """Open a Function URL with IAM authentication; return it, with a slash at its end (a token).

        Args:
            callers: principals (ARNs or account ids) that it lets in; default the account itself, whose users and roles
                then still need both actions in a policy of their own.

        """
        url = self.alias.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM).url
        for number, caller in enumerate(callers or [Aws.ACCOUNT_ID], start=1):
            self._let_in(caller, f"Caller{number}")
        return url

    def _let_in(self, caller: str, construct_id: str) -> None:
        """Give both permissions that a Function URL made since October 2025 needs.

        Source: docs.aws.amazon.com/lambda/latest/dg/urls-auth.html.
        """
        lambda_.CfnPermission(
            self,
            f"{construct_id}Url",
            action="lambda:InvokeFunctionUrl",
            principal=caller,
            function_name=self.alias.function_arn,
            function_url_auth_type="AWS_IAM",
        )
        lambda_.CfnPermission(
            self,
            f"{construct_id}Function",
            action="lambda:InvokeFunction",
            principal=caller,
            function_name=self.alias.function_arn,
            invoked_via_function_url=True,
        )


def _generate_seconds(timeout: Duration | None) -> int:
    seconds = int(timeout.to_seconds()) if timeout else 65
    if 1 <= seconds <= MAX_GENERATE_SECONDS:
        return seconds
    raise OptionError(
        "generate_timeout",
        seconds,
        problem="seconds is out of range",
        allowed=f"1 to {MAX_GENERATE_SECONDS} seconds",
        remedy="SageMaker itself ends an invocation after 60 seconds",
    )
