"""What boto3 raises, as one line with what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, of which those of proxies and time-outs are
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from endpointctl.failure import Failure

SIGN_IN = "sign in first: `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
_AGAIN: Final = "sign in again (`aws sso login`, or new keys), or run the pipeline's job again; then repeat the command"


def is_expired(error: ClientError) -> bool:
    """Return whether AWS refuses because the caller's session has ended: every other request will fail, too."""
    return error.response["Error"].get("Code") in _EXPIRED


@contextmanager
def as_failure() -> Iterator[None]:
    """Raise what boto3 raises as a failure of one line."""
    try:
        yield
    except (NoCredentialsError, CredentialRetrievalError):
        raise Failure(f"no AWS credentials: {SIGN_IN}") from None
    except (SSOError, TokenRetrievalError, LoginError) as error:
        raise Failure(f"no AWS credentials: {_line(error)}: {SIGN_IN}") from None
    except ProfileNotFound as error:
        raise Failure(f"{error}: choose one of `aws configure list-profiles`") from None
    except ClientError as error:
        details = error.response["Error"]
        if is_expired(error):
            raise Failure(f"your AWS credentials have expired ({details['Code']}): {_AGAIN}") from None
        raise Failure(f"AWS refused: {details.get('Code')}: {details.get('Message')}") from None
    except (ConnectionError, HTTPClientError) as error:
        hint = "is there a network, and is HTTPS_PROXY right?"
        if os.environ.get("AWS_ENDPOINT_URL"):
            hint = "AWS_ENDPOINT_URL is set: is the local cloud still up?"
        raise Failure(f"AWS cannot be reached: {_line(error)} ({hint})") from None
    except ResponseParserError as error:
        raise Failure(f"what answers is not AWS: {_line(error)[:200]} (does a web proxy answer instead?)") from None
    except BotoCoreError as error:
        raise Failure(f"AWS: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
