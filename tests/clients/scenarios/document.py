"""The examples of the documents, as a user copies them."""

import contextlib
import io

from scenarios.service import Service


def run(service: Service, code: str) -> str:
    """Run an example that knows the names ``url`` and ``key``, and return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "example", "exec"), {"url": service.url, "key": service.key})
    return printed.getvalue()
