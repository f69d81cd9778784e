"""An endpoint behind a proxy, and the names of its model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sagemaker_llm import limits
from sagemaker_llm.endpoint.invocable_endpoint import InvocableEndpoint
from sagemaker_llm.errors import OptionError
from sagemaker_llm.models.catalog import Api
from sagemaker_llm.proxy import source


@dataclass(frozen=True)
class ServedEndpoint:
    """An endpoint behind a proxy.

    Attributes:
        endpoint: the endpoint.
        api: what its container answers.
        models: the names by which clients may call its model; its own name is always one. Default: none.

    """

    endpoint: InvocableEndpoint
    api: Api
    models: Sequence[str] = ()


def check_served(served: Sequence[ServedEndpoint]) -> None:
    """Check what a proxy serves.

    Raises:
        OptionError: an API that the proxy cannot translate, or a name that is none or given twice.

    """
    seen: set[str] = set()
    for one in served:
        if one.api not in source.apis():
            allowed = ", ".join(source.apis())
            raise OptionError("api", one.api, problem="cannot be translated by the proxy", allowed=allowed)
        for name in dict.fromkeys((one.endpoint.endpoint_name, *one.models)):
            if not re.fullmatch(limits.MODEL_NAME_PATTERN, name):
                allowed = "1 to 128 letters, digits and . _ : / -, a letter or digit first"
                raise OptionError("models", name, problem="cannot be the name of a model", allowed=allowed)
            if name in seen:
                raise OptionError(
                    "models", name, problem="is the name of two models", allowed="a name of its own for each"
                )
            seen.add(name)


def environment_of(served: Sequence[ServedEndpoint]) -> dict[str, str]:
    """Return the function's environment variables for what it serves."""
    first, *others = served
    found = {"API": first.api, "ENDPOINT_NAME": first.endpoint.endpoint_name}
    if first.models:
        found["MODELS"] = " ".join(first.models)
    if others:
        rows = [{"name": one.endpoint.endpoint_name, "api": one.api, "models": list(one.models)} for one in others]
        found["ENDPOINTS"] = json.dumps(rows, separators=(",", ":"))
    return found
