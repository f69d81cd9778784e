"""The proxy in front of an endpoint: a Lambda function behind an alias, and the simpler of its two front doors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm import limits
from sagemaker_llm.durations import in_seconds, seconds
from sagemaker_llm.endpoint.invocable_endpoint import InvocableEndpoint
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_range
from sagemaker_llm.models.catalog import Api
from sagemaker_llm.proxy import source
from sagemaker_llm.proxy import streaming as stream
from sagemaker_llm.proxy.function import python_function, write_the_account_as_a_reference
from sagemaker_llm.proxy.metrics import DetailedMetrics, ProxyMetrics
from sagemaker_llm.proxy.request_limits import RequestLimits
from sagemaker_llm.proxy.served_endpoint import ServedEndpoint, check_served, environment_of
from sagemaker_llm.proxy.sleeping import Sleeping
from sagemaker_llm.proxy.version_check import VersionCheck

LogLevel: TypeAlias = Literal["INFO", "ERROR"]


class LlmProxy(ProxyMetrics, Construct):
    """A Lambda proxy with Cohere's API in front of an endpoint, once it has a front door.

    The front doors are ``add_function_url`` and ``ProxyRestApi``. The function may write to its own log group and
    invoke this one endpoint; nothing else. Every change makes a new version. A second function checks that the version
    can start, and only then the alias ``live``, which callers reach, moves to it: a version that cannot start fails
    the deployment, and no caller reaches it.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        endpoint: the endpoint.
        api: what the endpoint's container answers: ``generate`` (default), ``chat``, ``chat_v2``, ``embed`` or
            ``rerank``. It decides which routes the proxy has.
        models: the names by which clients may call the endpoint's model; its own name is always one. Default: none.
        more_endpoints: further endpoints behind the same URL, chosen by route and by model; default none.
        code: the source; default the one that comes with this library.
        generate_timeout: how long one generation may take, 1 to 70 s; default 65 s, more than SageMaker's own 60 s.
        max_request_bytes: the longest request body, 1024 to 4000000 bytes; default 262144. A 2023 model reads about
            8 KB of text.
        request_limits: the limits of one request; default see ``RequestLimits``.
        memory_mib: the function's memory in MiB, 128 to 10240; default 512. CPU grows with it.
        reserved_concurrency: the concurrency reserved for the function, which is also its limit; it is taken from the
            account's, of which 100 have to stay unreserved. Above it Lambda throttles. Default: the account's pool.
        log_retention: how long the proxy's log lines are kept; default one month. They hold no prompt and no text.
        log_level: INFO (default): a line for each request; ERROR: metrics of all, and a line for a status of 500 or
            more.
        snap_start: restore execution environments from a snapshot of a started one; default false. AWS bills caching
            and restoring it: docs.aws.amazon.com/lambda/latest/dg/snapstart.html.
        streaming: stream responses: the function is a web server behind AWS's Lambda Web Adapter, a layer, and not for
            SnapStart; default false.
        sleeping: that the endpoint sleeps at times, and whether requests wake it; default it never sleeps. Not for
            ``more_endpoints``.
        stream_timeout: with streaming, how long a stream may take, 1 to 480 s; default 300 s. SageMaker ends it after
            8 minutes.
        detailed_metrics: count requests by route, variant and client too; each metric has a price. Default no.

    Attributes:
        function: the function.
        alias: its alias ``live``, which callers reach.
        log_group: its log group.
        version_check: the check of new versions.
        apis: what the containers behind it answer.
        reserved_concurrency: as given.
        request_limits: as given, or the default.
        streaming: as given.
        timeout_seconds: the function's own time-out, in seconds.

    Raises:
        OptionError: a value that Lambda or SageMaker would refuse.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: InvocableEndpoint,
        api: Api = "generate",
        models: Sequence[str] = (),
        more_endpoints: Sequence[ServedEndpoint] = (),
        code: lambda_.Code | None = None,
        generate_timeout: Duration | None = None,
        max_request_bytes: int = limits.REQUEST_DEFAULT_BYTES,
        request_limits: RequestLimits | None = None,
        memory_mib: int = limits.MEMORY_DEFAULT_MIB,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        log_level: LogLevel = "INFO",
        snap_start: bool = False,
        streaming: bool = False,
        stream_timeout: Duration | None = None,
        sleeping: Sleeping | None = None,
        detailed_metrics: DetailedMetrics | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        timeout = _generate_seconds(generate_timeout)
        if reserved_concurrency is not None:
            check_range("reserved_concurrency", reserved_concurrency, 1, float("inf"))
        check_range("max_request_bytes", max_request_bytes, *limits.REQUEST_BYTES, unit="bytes")
        check_range("memory_mib", memory_mib, *limits.MEMORY_MIB, unit="MiB")
        served = (ServedEndpoint(endpoint, api, models), *more_endpoints)
        check_served(served)
        _check_one_of("log_level", log_level, get_args(LogLevel), "is no level")
        stream_seconds = stream.check(self, streaming=streaming, stream_timeout=stream_timeout, snap_start=snap_start)
        code = code or source.code()
        self.streaming = streaming
        self.timeout_seconds = max(timeout, stream_seconds) + limits.RESERVE_SECONDS
        self.request_limits = request_limits or RequestLimits()
        self.reserved_concurrency = reserved_concurrency
        self.apis = frozenset(one.api for one in served)
        self._endpoint_name = endpoint.endpoint_name
        self.function = python_function(
            self,
            description=f"Cohere's and OpenAI's APIs in front of the SageMaker endpoint {endpoint.endpoint_name}",
            role_description="Lets the proxy write its log and invoke its endpoints",
            code=code,
            handler=stream.HANDLER if streaming else "proxy.handler.handler",
            timeout_seconds=self.timeout_seconds,
            memory_mib=memory_mib,
            log_retention=log_retention,
            reserved_concurrency=reserved_concurrency,
            environment={
                **environment_of(served),
                "GENERATE_TIMEOUT_SECONDS": str(timeout),
                "MAX_REQUEST_BYTES": str(max_request_bytes),
                "LOG_LEVEL": log_level,
                **{name: str(value) for name, value in self.request_limits.by_name.items()},
                **(stream.environment(stream_seconds) if streaming else {}),
                **(sleeping.environment if sleeping else {}),
                **(detailed_metrics.variables if detailed_metrics else {}),
            },
            snap_start=snap_start,
            layers=[stream.layer(self)] if streaming else (),
        )
        self.log_group = self.function.log_group
        for one in served:
            (one.endpoint.grant_invoke_stream if streaming else one.endpoint.grant_invoke)(self.function)
        if sleeping:
            sleeping.grant_wake(self.function)
        self._publish(code, log_retention)

    def _publish(self, code: lambda_.Code, log_retention: logs.RetentionDays) -> None:
        version = self.function.current_version
        self.version_check = VersionCheck(self, "Check", version=version, code=code, log_retention=log_retention)
        write_the_account_as_a_reference(self.function, self.version_check.function)
        self.alias = lambda_.Alias(self, "Live", alias_name="live", version=version)
        self.alias.node.add_dependency(self.version_check)
        # Nobody invokes it asynchronously; whoever does all the same gets one generation, not three.
        self.alias.configure_async_invoke(retry_attempts=0, max_event_age=seconds(60))

    def add_function_url(self, callers: Sequence[str] = ()) -> str:
        """Add a Function URL with IAM authentication; return it, with a slash at its end (a token).

        Args:
            callers: the allowed principals (ARNs or account ids); default the account itself, whose users and roles
                then still need both actions in a policy of their own, see ``grant_invoke_url``. A caller of another
                account needs both this permission and a policy of its own.

        """
        url = self.alias.add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.AWS_IAM,
            invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM if self.streaming else None,
        ).url
        for number, caller in enumerate(callers or [Aws.ACCOUNT_ID], start=1):
            self._allow(caller, f"Caller{number}")
        return url

    def _allow(self, caller: str, construct_id: str) -> None:
        """Give both permissions that a Function URL needs since October 2025.

        Source: docs.aws.amazon.com/lambda/latest/dg/urls-auth.html.
        """
        only: dict[str, dict[str, Any]] = {
            "Url": {"action": "lambda:InvokeFunctionUrl", "function_url_auth_type": "AWS_IAM"},
            "Function": {"action": "lambda:InvokeFunction", "invoked_via_function_url": True},
        }
        arn = self.alias.function_arn
        for suffix, options in only.items():
            lambda_.CfnPermission(self, f"{construct_id}{suffix}", principal=caller, function_name=arn, **options)

    def grant_invoke_url(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow both actions that a Function URL needs, on the alias only, in the grantee's own policy."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"],
            resource_arns=[self.alias.function_arn],
        )

    def set_front_door(self, *, timeout: Duration, cors_origins: Sequence[str] = ()) -> None:
        """Tell the function what a front door does beside it. ``ProxyRestApi`` calls this.

        Args:
            timeout: the front door's own time-out, which becomes part of the function's deadline.
            cors_origins: the origins whose pages may read the responses in a browser; default none.

        """
        self.function.add_environment("FRONT_DOOR_SECONDS", str(in_seconds(timeout)))
        if cors_origins:
            self.function.add_environment("CORS_ORIGINS", " ".join(cors_origins))


def _generate_seconds(timeout: Duration | None) -> int:
    length = int(in_seconds(timeout)) if timeout else limits.GENERATE_DEFAULT_SECONDS
    remedy = "SageMaker itself ends an invocation after 60 seconds"
    check_range("generate_timeout", length, *limits.GENERATE_SECONDS, unit="seconds", remedy=remedy)
    return length


def _check_one_of(option: str, value: str, allowed: Sequence[str], problem: str) -> None:
    if value not in allowed:
        raise OptionError(option, value, problem=problem, allowed=", ".join(allowed))
