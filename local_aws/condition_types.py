"""The types of the values in the conditions. A type's description is what an error shows as "allowed"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias, get_args

from pydantic import AfterValidator, Field

from local_aws.faults import FAULTS

Api: TypeAlias = Literal["generate", "chat", "chat_v2", "embed", "rerank", "summarize"]
"""The request bodies that a container answers; the same names as ``sagemaker_llm.models.catalog.Api``."""

StreamFormat: TypeAlias = Literal["json_lines", "server_sent_events"]
"""How a container writes the objects of a stream."""

MOST: Final = 1_000_000
"""The largest whole number."""

_DAY_SECONDS: Final = 86_400


def _known_fault(name: str) -> str:
    if name not in FAULTS:
        raise ValueError("unknown fault")
    return name


# A description is what an error shows as "allowed".
FaultName = Annotated[str, AfterValidator(_known_fault), Field(description=", ".join(FAULTS))]
Text = Annotated[str, Field(min_length=1)]
Parts = Annotated[tuple[Text, ...], Field(description='a list of parts of names, e.g. ["cohere-command"]')]
StackFailures = Annotated[
    tuple[Annotated[str, Field(pattern=r"^(create|update|delete|rollback) .+")], ...],
    Field(description='a list of steps, e.g. ["delete AWS::SageMaker::Endpoint", "rollback cohere-dev-endpoint"]'),
]
Count = Annotated[int, Field(ge=0, le=MOST, description=f"a whole number, 0 to {MOST}")]
Counts = Annotated[
    Mapping[Annotated[str, Field(pattern=r"^ml\.")], Count],
    Field(description=f'an object with a whole number, 0 to {MOST}, for each type, e.g. {{"ml.g5.xlarge": 1}}'),
]
Apis = Annotated[
    Mapping[Text, Api],
    Field(
        description=f'an object with {", ".join(get_args(Api))} for parts of package ids, e.g. {{"my-model": "chat"}}'
    ),
]
AgreementStatus: TypeAlias = Literal[
    "ACTIVE", "CANCELLED", "EXPIRED", "RENEWED", "REPLACED", "SUPERSEDED", "TERMINATED", "NONE"
]
Agreements = Annotated[
    Mapping[Text, AgreementStatus],
    Field(
        description=f"an object with {', '.join(get_args(AgreementStatus))} for parts of package ids, "
        'e.g. {"my-model": "EXPIRED"}'
    ),
]
Seconds = Annotated[float, Field(ge=0, le=_DAY_SECONDS, description=f"seconds, 0 to {_DAY_SECONDS}")]
Ahead = Annotated[float, Field(ge=0, le=400 * _DAY_SECONDS, description=f"seconds, 0 to {400 * _DAY_SECONDS}")]
Share = Annotated[float, Field(ge=0, le=1, description="a number, 0 to 1")]
Switch = Annotated[bool, Field(description="true or false")]
