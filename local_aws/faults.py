"""Every fault that the SageMaker runtime of the local cloud can produce, with its behaviour.

This is the only table of faults: ``conditions`` takes the allowed names from it, and the runtime takes the behaviour.
A new fault is one new entry.

Sources: botocore's model of sagemaker-runtime (codes and statuses). The messages of faults on demand are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Stage: TypeAlias = Literal["before_model", "in_model", "in_answer", "in_stream", "stream_content"]
Ending: TypeAlias = Literal["early", "stalled", "cut_off", "error_event", "error_object"]
Spoiled: TypeAlias = Literal["no_answer", "too_large", "cut_off"]
Cut: TypeAlias = Literal["bytes", "pairs"]

_ON_DEMAND: Final = "a fault on demand"


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        name: the name in the conditions.
        stage: where it happens. ``before_model``: the runtime answers with the error. ``in_model``: the container
            fails, or only takes ``seconds``. ``in_answer``: a whole answer is none of Cohere's, or does not arrive as
            a whole; a stream is not affected. ``in_stream``: a stream ends with an error of SageMaker.
            ``stream_content``: a stream ends otherwise than it should, or has other parts. A whole answer is not
            affected by the last two.
        code: the error's code on the wire; None when the container answers in the end.
        status: the HTTP status; of ``in_model`` the container's status, 0 when the container did not answer.
        message: the error's message; None when SageMaker sends null, or words the message itself.
        seconds: how long the container takes; 0 for the time that the conditions say.
        stream_error_code: the member ``ErrorCode`` of a ``ModelStreamError``.
        ending: how a stream ends. ``early``: without its last objects. ``stalled``: nothing more is sent until the
            stream's time is over. ``cut_off``: the connection breaks. ``error_event``: with the event of its API for an
            error. ``error_object``: with an error body, as a whole answer would have it. None for the regular end.
        spoiled: what becomes of a whole answer. ``no_answer``: JSON that is no answer. ``too_large``: texts that no
            Lambda function can return. ``cut_off``: the connection breaks before the last byte.
        cut: how the stream's bytes are cut into parts. ``bytes``: one byte a part. ``pairs``: two objects a part. None
            for one object a part, every third object in two parts.
        after: how many objects of a stream are sent before it fails or ends.

    """

    name: str
    stage: Stage
    code: str | None
    status: int = 0
    message: str | None = ""
    seconds: float = 0.0
    stream_error_code: str | None = None
    ending: Ending | None = None
    spoiled: Spoiled | None = None
    cut: Cut | None = None
    after: int = 1


FAULTS: Final[Mapping[str, FaultKind]] = {
    kind.name: kind
    for kind in (
        # Source of the null message: opensearch-project/ml-commons#2429.
        FaultKind("ThrottlingException", "before_model", "ThrottlingException", 400, message=None),
        FaultKind("ModelNotReadyException", "before_model", "ModelNotReadyException", 429),
        FaultKind("InternalFailure", "before_model", "InternalFailure", 500),
        FaultKind("ServiceUnavailable", "before_model", "ServiceUnavailable", 503),
        FaultKind("InternalDependencyException", "before_model", "InternalDependencyException", 530),
        FaultKind("ModelError400", "in_model", "ModelError", 400, _ON_DEMAND),
        FaultKind("ModelError429", "in_model", "ModelError", 429, _ON_DEMAND),
        FaultKind("ModelError500", "in_model", "ModelError", 500, _ON_DEMAND),
        # The runtime words this one: it gave up waiting for the container.
        FaultKind("ModelErrorTimeout", "in_model", "ModelError", 0, message=None),
        # Longer than SageMaker waits (60 s), and longer than any caller should.
        FaultKind("Slow", "in_model", None, seconds=70.0),
        FaultKind("AnswerOfAnotherKind", "in_answer", None, spoiled="no_answer"),
        FaultKind("AnswerTooLarge", "in_answer", None, spoiled="too_large"),
        FaultKind("AnswerCutOff", "in_answer", None, spoiled="cut_off"),
        FaultKind(
            "ModelInvocationTimeExceeded",
            "in_stream",
            "ModelStreamError",
            message=_ON_DEMAND,
            stream_error_code="ModelInvocationTimeExceeded",
        ),
        FaultKind(
            "StreamBroken", "in_stream", "ModelStreamError", message=_ON_DEMAND, stream_error_code="StreamBroken"
        ),
        FaultKind("InternalStreamFailure", "in_stream", "InternalStreamFailure"),
        FaultKind("StreamEndsEarly", "stream_content", None, ending="early"),
        FaultKind("StreamStalls", "stream_content", None, ending="stalled"),
        FaultKind("StreamCutOff", "stream_content", None, ending="cut_off"),
        FaultKind("StreamErrorEvent", "stream_content", None, message=_ON_DEMAND, ending="error_event"),
        FaultKind("StreamErrorObject", "stream_content", None, message=_ON_DEMAND, ending="error_object"),
        FaultKind("StreamOfBytes", "stream_content", None, cut="bytes"),
        FaultKind("StreamOfPairs", "stream_content", None, cut="pairs"),
    )
}
"""The faults by name."""
