"""Models and endpoint configs by name: resources that are created and deleted, and never changed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from local_aws.server import emulator
from local_aws.server.errors import validation
from local_aws.server.json_api import Answer, Request


def arn(kind: str, name: str) -> str:
    """Return the ARN of a model, endpoint config or endpoint; the name part is lower case."""
    return f"arn:aws:sagemaker:{emulator.region()}:{emulator.account()}:{kind}/{name.lower()}"


class ResourceStore:
    """The resources of one kind, of every account and region.

    Args:
        kind: as in the ARN, e.g. ``endpoint-config``.
        store_name: the name of the store.

    """

    def __init__(self, kind: str, store_name: str) -> None:
        self._kind = kind
        self._title = "".join(re.findall(r"[A-Z]\w*", kind.title()))
        self._resources = emulator.store(store_name)

    def add(self, name: str, properties: Answer) -> str:
        """Store a resource and return its ARN."""
        new = arn(self._kind, name)
        self._resources[name] = {**properties, f"{self._title}Arn": new, "CreationTime": time.time()}
        return new

    def find(self, name: str) -> Answer:
        """Return a resource.

        Raises:
            AwsError: ``ValidationException`` when it does not exist.

        """
        found: Answer | None = self._resources.get(name)
        if found is None:
            raise validation(f'Could not find {self._words} "{arn(self._kind, name)}".')
        return found

    def remove(self, name: str) -> None:
        """Remove a resource.

        Raises:
            AwsError: ``ValidationException`` when it does not exist.

        """
        self.find(name)
        del self._resources[name]

    def refuse_existing(self, name: str) -> None:
        """Refuse a name that is in use.

        Raises:
            AwsError: ``ValidationException``.

        """
        if name in self._resources:
            raise validation(f'Cannot create already existing {self._words} "{arn(self._kind, name)}".')

    def summaries(self, request: Request) -> list[Answer]:
        """Return the summaries that a List operation returns."""
        keys = (f"{self._title}Name", f"{self._title}Arn", "CreationTime")
        return [{key: one[key] for key in keys} for one in self._matching(request.get("NameContains", ""))]

    def _matching(self, part: str) -> Iterator[Answer]:
        return (one for name, one in sorted(self._resources.items()) if part in name)

    @property
    def _words(self) -> str:
        return self._kind.replace("-", " ")
