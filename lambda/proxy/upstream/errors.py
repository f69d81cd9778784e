"""Errors of SageMaker, of the container and of the network, as errors for the caller.

Mapped by error code, never by status: SageMaker throttles with status 400. Texts from upstream hold account ids, log
links and sometimes the prompt; only a container's own sentence passes, and only when it holds none of these.
Sources: botocore's model of sagemaker-runtime;
docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html.
"""

from __future__ import annotations

import json
import re
from typing import Final

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

from proxy.errors import ProxyError

# The configuration is wrong or the endpoint is missing: the caller can only report it to the operator.
_AWAY: Final = ("endpoint_unavailable", "the model's endpoint is not in service; report it to the operator")
_DENIED: Final = ("access_denied", "the proxy may not use its endpoint; report it to the operator")
# Nobody knows whether the model ran: no Retry-After, and no second attempt.
_FAILED: Final = ("sagemaker_failed", "SageMaker failed, and the model may have generated")

_BY_AWS_CODE: Final = {
    "ValidationError": _AWAY,
    "ValidationException": _AWAY,
    "ThrottlingException": ("throttled", "the model is busy; try again"),
    "ModelNotReadyException": ("not_ready", "the model is still loading; try again"),
    "InternalFailure": _FAILED,
    "InternalDependencyException": _FAILED,
    # In the middle of a stream.
    "InternalStreamFailure": _FAILED,
    "ModelStreamError": ("model_failed", "the model failed in the middle of its answer"),
    "ServiceUnavailable": _FAILED,
    "ServiceUnavailableException": _FAILED,
    "AccessDeniedException": _DENIED,
    "AccessDenied": _DENIED,
    "ExpiredTokenException": _DENIED,
    "ExpiredToken": _DENIED,
    "InvalidSignatureException": _DENIED,
    "UnrecognizedClientException": _DENIED,
    "MissingAuthenticationTokenException": _DENIED,
}
_NO_CREDENTIALS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    MetadataRetrievalError,
)

_REFUSED: Final = "the model refused the request"
_LONGEST = 300  # characters of a container's message
_CONFIDENTIAL = re.compile(r"\d{12}|arn:|://", re.IGNORECASE)
_REPEATED = 16  # so many characters in common with the prompt, and the message may be repeating it


# Refused before a container was asked: another attempt repeats no generation.
_NOT_STARTED: Final = ("ThrottlingException", "ModelNotReadyException")
_NOT_CONNECTED: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)


def before_the_model(error: Exception) -> bool:
    """Return whether a failed request cannot have started a generation."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "") in _NOT_STARTED
    return isinstance(error, _NOT_CONNECTED) or _is_untrusted_certificate(error)


def _is_untrusted_certificate(error: Exception) -> bool:
    """Return whether nothing was sent because of the other end's certificate; TLS can also fail later."""
    return isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def proxy_error_of(error: Exception, prompt: str, variant: str | None = None) -> ProxyError:
    """Return the error for the caller.

    Args:
        error: what botocore raised.
        prompt: the prompt, which must not be repeated.
        variant: the variant that the request named.

    """
    name = type(error).__name__
    if isinstance(error, ClientError):
        # A missing endpoint has the same code: "Variant X not found for Request" and "Endpoint X … not found".
        if variant and str(error.response.get("Error", {}).get("Message", "")).startswith("Variant "):
            return ProxyError("unknown_variant", "x-target-variant: the endpoint has no such variant", cause=name)
        return _of_response(error, prompt)
    if isinstance(error, _NO_CREDENTIALS):
        return ProxyError(*_DENIED, cause=name)
    if before_the_model(error):
        return ProxyError("unavailable", "SageMaker cannot be reached; nothing was generated; try again", cause=name)
    if isinstance(error, ReadTimeoutError):
        return ProxyError("timed_out", "the model took too long; ask for fewer tokens", cause=name)
    return ProxyError("connection_lost", "the connection to the model was lost; it may have generated", cause=name)


def _of_response(error: ClientError, prompt: str) -> ProxyError:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "ModelError":
        return _of_container(error, prompt)
    known = _BY_AWS_CODE.get(code)
    if not known and int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500:
        known = _FAILED
    # An unknown code may be anything but a short word; it goes to the log, not to the caller.
    cause = code if re.fullmatch(r"[A-Za-z.]{1,60}", code) else type(error).__name__
    return ProxyError(*(known or ("bad_answer", "SageMaker answered with an unknown error")), cause=cause)


def _of_container(error: ClientError, prompt: str) -> ProxyError:
    status, original = error.response.get("OriginalStatusCode"), str(error.response.get("OriginalMessage", ""))
    cause = f"ModelError.{status}" if isinstance(status, int) else "ModelError"
    if status in (400, 413, 422):
        return ProxyError("model_refused", container_message(original, prompt), cause=cause)
    if status == 429:
        return ProxyError("throttled", "the model is busy; try again", cause=cause)
    # SageMaker's own limit of 60 s; the container's status is then 0.
    text = original + str(error.response.get("Error", {}).get("Message", ""))
    if status in (0, None) and "timed out" in text:
        return ProxyError("timed_out", "the model took longer than 60 s; ask for fewer tokens", cause=cause)
    return ProxyError("model_failed", "the model failed", cause=cause)


def container_message(original: str, prompt: str) -> str:
    """Return a container's sentence about a request it refuses, or a general one when that could disclose too much.

    Args:
        original: the container's body, ``{"message": …}``.
        prompt: the prompt.

    """
    try:
        message = json.loads(original)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return _REFUSED
    if not isinstance(message, str) or not message.strip() or _CONFIDENTIAL.search(message):
        return _REFUSED
    shown = " ".join("".join(c if c.isprintable() else " " for c in message[:_LONGEST]).split())
    return _REFUSED if _repeats(shown.lower(), " ".join(prompt.split()).lower()) else shown


def _repeats(message: str, prompt: str) -> bool:
    length = min(_REPEATED, len(prompt))
    return any(message[i : i + length] in prompt for i in range(max(1, len(message) - length + 1)))
