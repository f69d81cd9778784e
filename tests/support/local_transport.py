"""Connects httpx to the local cloud."""

from urllib.parse import urlsplit

import httpx


class LocalTransport(httpx.HTTPTransport):
    """Connects to the local cloud instead of the host that a request is for, as a resolver would."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._local = urlsplit(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._local.hostname, port=self._local.port)
        return super().handle_request(request)
