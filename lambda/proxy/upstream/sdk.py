"""Clients of AWS services, by botocore: boto3 without its resources and transfers, which nothing here uses.

That is a fifth of a cold start, as measured.
"""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader


class _OneService(Loader):
    """The SDK's data, without listing the folders of its 400 services."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - the SDK's own
        return [self._service]


def create_client(service: str, config: Config) -> Any:  # noqa: ANN401 - botocore's
    """Return a client of one AWS service."""
    session = botocore.session.Session()
    session.register_component("data_loader", _OneService(service))
    return session.create_client(service, config=config)
