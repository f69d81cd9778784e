"""Whose account and region a thread works in. One of the modules that use MiniStack's private names."""

from __future__ import annotations

from ministack import app
from ministack.core import responses


def work_in(account: str, region: str) -> None:
    """Let this thread work in an account and region, over TLS, as AWS's own services call each other."""
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    app.pin_request_origin("127.0.0.1", True)
