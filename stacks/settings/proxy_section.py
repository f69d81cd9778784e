"""The sections of an environment file for the proxy and its front door."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from sagemaker_llm import RequestLimits, limits
from sagemaker_llm.models.catalog import Api
from stacks.settings.section import Count, RetentionDays, Section

Caller = Annotated[str, Field(pattern=r"^(\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+)$")]
ClientName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
Origin = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:\d+)?$")]
Network = Annotated[str, AfterValidator(lambda text: str(ip_network(text)))]
ModelName = Annotated[str, Field(pattern=f"^{limits.MODEL_NAME_PATTERN}$")]
EndpointName = Annotated[str, AfterValidator(limits.check_endpoint_name)]
VpcEndpointId = Annotated[str, Field(pattern=r"^vpce-[0-9a-f]{8,17}$")]


DomainName = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253)]


class Client(Section):
    """The limits of one client: of each key that it has."""

    requests_per_second: float = Field(gt=0, le=limits.MAX_REQUESTS_PER_SECOND, description="The rate in the long run.")
    burst: int = Field(ge=limits.BURST[0], le=limits.BURST[1], description="The requests at once above it.")
    quota: Count | None = Field(default=None, description="The requests in a period. Default: no quota.")
    period: Literal["day", "week", "month"] = Field(default="month", description="The quota's period.")


class Zone(Section):
    """A public hosted zone of Route 53."""

    id: str = Field(pattern=r"^Z[A-Z0-9]{1,31}$", description="The zone's id.")
    name: DomainName = Field(description="The zone's domain name.")


class Domain(Section):
    """A domain name of the environment's own."""

    name: DomainName = Field(description="The domain name. The API answers at its root.")
    certificate_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/\S+$",
        description="The domain's certificate in ACM, in the environment's region.",
    )
    hosted_zone: Zone | None = Field(
        default=None, description="The zone that gets an alias record. Default: none, you make the record yourself."
    )


class RestApi(Section):
    """A REST API instead of the Function URL."""

    access: Literal["iam", "api_keys", "bearer"] = Field(
        default="iam",
        description="How callers are identified: iam, signed requests; api_keys, a key for each client in the header "
        "x-api-key; bearer, a key as Authorization: Bearer, as the clients of Cohere and OpenAI send it. With bearer "
        "a deployment makes no keys: `endpointctl keys create` does.",
    )
    clients: Mapping[ClientName, Client] = Field(
        default_factory=dict, description="The clients by name, with access api_keys or bearer."
    )
    domain: Domain | None = Field(default=None, description="Default: none.")
    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        le=limits.MAX_REQUESTS_PER_SECOND,
        description="The rate of all callers in the long run. Default: the function's reserved concurrency, else 50.",
    )
    burst: int | None = Field(
        default=None,
        ge=limits.BURST[0],
        le=limits.BURST[1],
        description="The requests at once, at most the function's reserved concurrency, because Lambda's own throttle "
        "reaches callers as a 424. Default: that concurrency, else 100.",
    )
    timeout_seconds: int | None = Field(
        default=None,
        ge=limits.REST_API_STREAM_SECONDS[0],
        le=limits.REST_API_STREAM_SECONDS[1],
        description="API Gateway's time-out. Default: 29; more, at most 75, needs a larger quota from AWS. With "
        "streaming: up to 900 without a quota, by default the function's own time-out.",
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(), strict=False, description="Origins whose pages may call it in a browser. Default: none."
    )
    networks: tuple[Network, ...] = Field(
        default=(), strict=False, description="The allowed IP ranges (private API: of the VPC). Default: all."
    )
    vpc_endpoint_ids: tuple[VpcEndpointId, ...] = Field(
        default=(),
        strict=False,
        description="A private API that only these VPC endpoints reach. Default: none.",
    )
    firewall_requests: int | None = Field(
        default=None,
        ge=limits.FIREWALL_REQUESTS[0],
        le=limits.FIREWALL_REQUESTS[1],
        description="A web firewall, and the most requests from one address in five minutes. Default: no firewall.",
    )
    tracing: bool = Field(default=True, description="X-Ray traces of the API.")
    account_log_role: bool = Field(
        default=False,
        description="Whether this stack sets the role by which API Gateway writes access logs, once for each account "
        "and region.",
    )


class MoreEndpoint(Section):
    """A further endpoint behind the same URL, of this account and region."""

    api: Api = Field(description="What its container answers.")
    models: tuple[ModelName, ...] = Field(
        default=(), strict=False, description="The names by which clients call its model. Default: the endpoint's name."
    )


class Proxy(Section):
    """The HTTP API in front of the endpoint."""

    models: tuple[ModelName, ...] | None = Field(
        default=None,
        strict=False,
        description="The names by which clients call the model, besides the endpoint's own. Default: the model's name "
        "in the catalogue.",
    )
    endpoints: Mapping[EndpointName, MoreEndpoint] = Field(
        default_factory=dict,
        description="Further endpoints behind the same URL, by their names in SageMaker, chosen by route and model.",
    )

    callers: tuple[Caller, ...] = Field(
        default=(),
        strict=False,
        description="The allowed principals (ARNs or account ids). Default: the account itself, whose users and roles "
        "then need a policy of their own: lambda:InvokeFunctionUrl and lambda:InvokeFunction, or execute-api:Invoke "
        "for a REST API. Callers of another account need both.",
    )
    rest_api: RestApi | None = Field(default=None, description="A REST API instead of the Function URL. Default: none.")
    generate_timeout_seconds: int = Field(
        default=limits.GENERATE_DEFAULT_SECONDS,
        ge=limits.GENERATE_SECONDS[0],
        le=limits.GENERATE_SECONDS[1],
        description="How long one generation may take; SageMaker itself ends it after 60 s.",
    )
    max_request_bytes: int = Field(
        default=limits.REQUEST_DEFAULT_BYTES,
        ge=limits.REQUEST_BYTES[0],
        le=limits.REQUEST_BYTES[1],
        description="The longest request body, in bytes.",
    )
    default_max_tokens: Count = Field(
        default=RequestLimits.default_max_tokens,
        description="The max_tokens of a request that names none; containers' own defaults differ.",
    )
    max_tokens: Count = Field(default=RequestLimits.max_tokens, description="The most max_tokens of a request.")
    max_generations: int = Field(
        default=RequestLimits.max_generations,
        ge=1,
        le=limits.MAX_GENERATIONS,
        description="The most num_generations.",
    )
    max_prompt_characters: Count = Field(
        default=RequestLimits.max_prompt_characters, description="The longest prompt, in characters."
    )
    memory_mib: int = Field(
        default=limits.MEMORY_DEFAULT_MIB,
        ge=limits.MEMORY_MIB[0],
        le=limits.MEMORY_MIB[1],
        description="The function's memory, in MiB.",
    )
    requests_per_instance: Count = Field(
        default=32,
        description="The concurrent requests of one instance of the endpoint, for the next key. Nobody publishes it: "
        "measure yours.",
    )
    reserved_concurrency: Count | Literal["derived", "account"] = Field(
        default="derived",
        description="The function's reserved concurrency, which is also its limit: a number; derived, what the "
        "endpoint serves with all its instances, in front of chat divided by max_generations; or account, no limit but "
        "the account's pool.",
    )
    snap_start: bool = Field(
        default=False, description="Start from a snapshot of a started function; AWS bills caching and restoring it."
    )
    streaming: bool = Field(
        default=False,
        description="Streamed responses, by AWS's Lambda Web Adapter. Without it the proxy refuses stream: true.",
    )
    stream_timeout_seconds: int | None = Field(
        default=None,
        ge=limits.STREAM_SECONDS[0],
        le=limits.STREAM_SECONDS[1],
        description="With streaming, how long a stream may take; SageMaker itself ends it after 480 s. Default: 300.",
    )
    log_level: Literal["INFO", "ERROR"] = Field(
        default="INFO",
        description="INFO: a line for each request. ERROR: a line for each failure, and all metrics.",
    )
    log_retention_days: RetentionDays = Field(default=30, description="How long the proxy's log lines are kept.")

    @property
    def request_limits(self) -> RequestLimits:
        """Return the limits of one request.

        Raises:
            OptionError: they do not go together.

        """
        return RequestLimits(
            default_max_tokens=self.default_max_tokens,
            max_tokens=self.max_tokens,
            max_generations=self.max_generations,
            max_prompt_characters=self.max_prompt_characters,
        )

    @model_validator(mode="after")
    def _limits_go_together(self) -> Self:
        _ = self.request_limits
        return self
