"""What the account and the region must have before the first deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from endpointctl.aws import qualifier
from endpointctl.doctor.account import Account
from endpointctl.doctor.finding import Finding, ok, wrong
from sagemaker_llm.operations.limits import PARAMETER
from stacks.names import FUNCTION_OUTPUT

BOOTSTRAP_VERSION: Final = 6
"""The version of the bootstrap stack that our templates require; a test compares it with them."""

_UNRESERVED: Final = 100
"""Lambda keeps so much of the account's concurrency for functions that have reserved none.

Source: docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html.
"""


def bootstrap(account: Account) -> Iterator[Finding]:
    """Check the version of the CDK's bootstrap stack."""
    name = f"/cdk-bootstrap/{qualifier()}/version"
    fix = f"`make bootstrap ENV={account.environment}`"
    try:
        version = int(account.call("ssm", "get_parameter", Name=name)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"].get("Code") != "ParameterNotFound":
            raise
        yield wrong(f"{account.region} is not bootstrapped: there is no parameter {name}", fix)
        return
    if version < BOOTSTRAP_VERSION:
        yield wrong(f"the bootstrap version is {version}, and {BOOTSTRAP_VERSION} is required", fix)
    else:
        yield ok(f"the bootstrap version is {version}")


def concurrency(account: Account) -> Iterator[Finding]:
    """Check whether Lambda can reserve the functions' concurrency; what the proxy's function has now is free again."""
    reserved = (account.settings.reserved_concurrency or 0) if account.settings.has_proxy else 0
    switch = _of_the_switch(account)
    if not reserved + switch:
        return
    limit = account.call("lambda", "get_account_settings")["AccountLimit"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in (account.stack("proxy") or {}).get("Outputs", [])}
    own = 0
    if function := outputs.get(FUNCTION_OUTPUT):
        found = account.call("lambda", "get_function_concurrency", FunctionName=function)
        own = found.get("ReservedConcurrentExecutions", 0)
    room = int(limit["UnreservedConcurrentExecutions"]) + own - _UNRESERVED
    needed = reserved + switch
    if room < needed:
        smaller = "allowed: a smaller number, or account; or ask" if reserved else "ask"
        wanted = [f"proxy.reserved_concurrency: {reserved}"] if reserved else []
        wanted += [f"endpoint.sleep: {switch}"] if switch else []
        yield wrong(
            f"{account.file}: {' and '.join(wanted)} cannot be reserved, because Lambda "
            f"keeps {_UNRESERVED} of what the account's functions have not reserved, and {max(room, 0)} are left",
            f"{smaller} for a larger limit: `aws service-quotas "
            f"request-service-quota-increase --region {account.region} --service-code lambda --quota-code L-B99A9384 "
            f"--desired-value {int(limit['ConcurrentExecutions']) + needed - room}`",
        )
    else:
        yield ok(f"{needed} of Lambda's concurrency can be reserved")


def _of_the_switch(account: Account) -> int:
    """Return the concurrency that the switch still has to reserve: that of one, until it is deployed."""
    if account.settings.endpoint.sleep is None:
        return 0
    deployed = (account.stack("endpoint") or {}).get("Parameters", [])
    return 0 if any(one["ParameterKey"] == PARAMETER for one in deployed) else 1


def log_role(account: Account) -> Iterator[Finding]:
    """Check whether API Gateway has the account's role for access logs."""
    rest_api = account.settings.proxy.rest_api
    if not account.settings.has_proxy or not rest_api or rest_api.account_log_role:
        return
    if account.call("apigateway", "get_account").get("cloudwatchRoleArn"):
        yield ok("API Gateway has a role for access logs")
    else:
        yield wrong(
            f"{account.file}: proxy.rest_api.account_log_role: API Gateway has no role for access logs in this account "
            "and region yet",
            "set it to true here, or have it set by whoever owns the account",
        )
