"""Models and endpoint configs that exist for one question, and are deleted whatever happens."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from endpointctl.failure import Failure

_ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 1.0
# SageMaker's error code when there is nothing of that name.
_MISSING: Final = ("ValidationException", "ResourceNotFound")


def unused_name() -> str:
    """Return a name that nothing has."""
    return f"aws-check-{uuid.uuid4().hex[:12]}"


class Temporary:
    """The models and endpoint configs that were made and may still exist.

    A name is noted before the request that creates it: when its response is lost, it may exist all the same.

    Args:
        sagemaker: a client.

    """

    def __init__(self, sagemaker: Any) -> None:  # noqa: ANN401 - a client without types
        self._delete: dict[str, Callable[[str], Any]] = {
            "endpoint config": lambda name: sagemaker.delete_endpoint_config(EndpointConfigName=name),
            "model": lambda name: sagemaker.delete_model(ModelName=name),
        }
        self._left: dict[str, str] = {}

    @contextmanager
    def model(self) -> Iterator[str]:
        """Yield a name for a model; delete the model at the end."""
        with self._named("model") as name:
            yield name

    @contextmanager
    def config(self) -> Iterator[str]:
        """Yield a name for an endpoint config; delete the config at the end."""
        with self._named("endpoint config") as name:
            yield name

    @contextmanager
    def all_deleted(self) -> Iterator[None]:
        """Try again, at the end, to delete what is left.

        Raises:
            Failure: something is left; its name is in the message.

        """
        try:
            yield
        finally:
            for attempt in range(_ATTEMPTS):
                if not self._left:
                    break
                time.sleep(_PAUSE_SECONDS * attempt)
                for name in list(self._left):
                    self._try(name)
        if self._left:
            raise Failure(f"not deleted: {self._names()}: delete them in the console; they cost nothing")

    @contextmanager
    def _named(self, kind: str) -> Iterator[str]:
        name = unused_name()
        self._left[name] = kind
        try:
            yield name
        finally:
            self._try(name)

    def _try(self, name: str) -> None:
        try:
            self._delete[self._left[name]](name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                return
        except BotoCoreError:
            return
        del self._left[name]

    def _names(self) -> str:
        return ", ".join(f"{kind} {name}" for name, kind in self._left.items())
