"""The errors of AWS services."""

from __future__ import annotations


class AwsError(Exception):
    """An error of the control plane or the runtime, as the SDK's model names it.

    Attributes:
        code: the error's name on the wire, e.g. ``ValidationException``.
        message: the error's message; None where the service sends none.
        status: the HTTP status.
        fields: further fields of the error's body (ModelError has four).

    """

    def __init__(
        self, code: str, message: str | None, *, status: int = 400, fields: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


def validation(message: str) -> AwsError:
    """Return the control plane's error for an invalid request."""
    return AwsError("ValidationException", message)
