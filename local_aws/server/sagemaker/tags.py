"""The tags of models, endpoint configs and endpoints."""

from __future__ import annotations

from collections.abc import MutableMapping

from local_aws.server import emulator
from local_aws.server.json_api import Answer, Operations, Request


class Tags:
    """Tags by the resource's ARN, in every account and region."""

    def __init__(self) -> None:
        self._tags: MutableMapping[str, list[dict[str, str]]] = emulator.store("tags")

    @property
    def operations(self) -> Operations:
        """Return the operations of the API."""
        return {
            "AddTags": self._add,
            "ListTags": lambda r: {"Tags": self._tags.get(r["ResourceArn"], [])},
            "DeleteTags": self._delete,
        }

    def set(self, resource: str, tags: list[dict[str, str]]) -> None:
        """Set all tags of a new resource."""
        self._tags[resource] = tags

    def remove(self, resource: str) -> None:
        """Forget the tags of a resource that is gone."""
        self._tags.pop(resource, None)

    def _add(self, request: Request) -> Answer:
        resource = request["ResourceArn"]
        added = {tag["Key"] for tag in request["Tags"]}
        others = [tag for tag in self._tags.get(resource, []) if tag["Key"] not in added]
        self._tags[resource] = others + request["Tags"]
        return {"Tags": self._tags[resource]}

    def _delete(self, request: Request) -> Answer:
        resource, deleted = request["ResourceArn"], set(request["TagKeys"])
        self._tags[resource] = [tag for tag in self._tags.get(resource, []) if tag["Key"] not in deleted]
        return {}
