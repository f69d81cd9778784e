"""The decoder of a container's stream: any cut, several objects in a part, and what is between objects."""

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.errors import ProxyError
from proxy.upstream.decoder import Decoder

# Whatever a scanner could take for structure, in texts and in names.
texts = st.text(
    st.sampled_from('{}[]":,\\/\n\r\t ä€😀\x00\u2028datevn') | st.characters(exclude_categories=["Cs"]), max_size=12
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=4)
# How containers part their objects: nothing, blanks, lines, and server-sent events of several writers.
WRITERS = (
    ("", "", ""),
    ("", "\n", ""),
    (" \r\n", "\t", " "),
    ("data: ", "\n\n", "data: [DONE]\n\n"),
    ("data:", "\r\n\r\n", "data:[DONE]"),
    (': a comment with { and " in it\n\nevent: text-generation\nid: 7\nretry: 10\ndata: ', "\n\n", ""),
)


def decode(*parts: bytes) -> list[dict[str, Any]]:
    decoder = Decoder()
    found = [document for part in parts for document in decoder.feed(part)]
    decoder.end()
    return found


def written(documents: list[dict[str, Any]], writer: tuple[str, str, str], *, ascii_only: bool = False) -> bytes:
    before, after, end = writer
    return ("".join(f"{before}{json.dumps(one, ensure_ascii=ascii_only)}{after}" for one in documents) + end).encode()


@pytest.mark.parametrize("writer", WRITERS)
def test_cut_at_every_byte(writer: tuple[str, str, str]) -> None:
    documents: list[dict[str, Any]] = [
        {"text": 'a "quoted" \\ {brace} [1] ä€😀'},
        {},
        {"deep": [{"er": [None, {"x": '\\"'}]}]},
    ]
    content = written(documents, writer)
    assert decode(content) == documents
    assert decode(*(content[at : at + 1] for at in range(len(content)))) == documents
    for at in range(len(content)):
        assert decode(content[:at], content[at:]) == documents


@settings(deadline=None)
@given(st.lists(objects, max_size=4), st.sampled_from(WRITERS), st.booleans(), st.data())
@example([{"a": "\\"}], WRITERS[0], False, None)
def test_any_objects_in_any_parts(
    documents: list[dict[str, Any]], writer: tuple[str, str, str], ascii_only: bool, data: st.DataObject | None
) -> None:
    content = written(documents, writer, ascii_only=ascii_only)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=6))) if data else [2]
    edges = itertools.pairwise([0, *cuts, len(content)])
    assert decode(*(content[low:high] for low, high in edges)) == documents


@settings(deadline=None)
@given(objects.filter(bool), st.data())
def test_an_object_is_given_as_soon_as_it_is_whole(document: dict[str, Any], data: st.DataObject) -> None:
    content = written([document], WRITERS[0])
    cut = data.draw(st.integers(0, len(content) - 1))
    decoder = Decoder()
    assert decoder.feed(content[:cut]) == []
    assert decoder.feed(content[cut:]) == [document]


@settings(deadline=None)
@given(objects.filter(bool), st.sampled_from(WRITERS), st.data())
def test_a_stream_that_ends_within_an_object_is_broken(
    document: dict[str, Any], writer: Any, data: st.DataObject
) -> None:
    before, after, _ = writer
    content = written([document], WRITERS[0])
    cut = data.draw(st.integers(1, len(content) - 1))
    decoder = Decoder()
    assert decoder.feed(f"{before}{{}}{after}{before}".encode() + content[:cut]) == [{}]
    with pytest.raises(ProxyError) as error:
        decoder.end()
    assert (error.value.code, error.value.cause) == ("connection_lost", "CutObject")


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"<html>{}", b"null", b"1 2 3", b"[1, 2]", b'"text"', b'[{"a": 1}]', b"{a: 1}", b"{'a': 1}", b'{"a": 1,}'),
        *(b'{"a": 1]}', b"}{}", b"]", b"data: no\n\n", b'{"a": \xff}', b"\xff", b"{}x", b"data: [1]\n\n", b"{} [] {}"),
        *(b"x{}", b'"{}"', b'{"a": NaN' * 2, b"{" * 100_000 + b"}" * 100_000, b"ev{}"),
    ],
)
def test_anything_else_is_refused_at_the_object_or_at_the_end(garbage: bytes) -> None:
    with pytest.raises(ProxyError) as error:
        decode(garbage)
    assert error.value.code in ("bad_answer", "connection_lost")


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(st.sampled_from('{}[]":\\ \nadtDONE'), max_size=40).map(str.encode))
def test_no_bytes_do_harm(content: bytes) -> None:
    """Whatever comes, the result is objects or an error, and no other exception; and the cut changes nothing."""

    def outcome(*parts: bytes) -> Any:
        try:
            return decode(*parts)
        except ProxyError:
            return "refused"

    whole = outcome(content)
    assert outcome(*(content[at : at + 1] for at in range(len(content)))) == whole
    assert whole == "refused" or all(isinstance(one, dict) for one in whole)


def cost(parts: list[bytes]) -> float:
    """Return the least CPU of three runs, in seconds: what else runs on the machine only adds to it."""
    found = []
    for _ in range(3):
        started = time.process_time()
        decode(*parts)
        found.append(time.process_time() - started)
    return min(found)


@pytest.mark.parametrize("shape", ["one long text", "many objects in a part", "a comment", "many small parts"])
def test_the_cost_is_linear(shape: str) -> None:
    """Ten times the bytes cost about ten times the CPU; it would be a hundred times with a scan from the start."""

    def parts(size: int) -> list[bytes]:
        if shape == "many objects in a part":
            return [b'{"text": "word"}\n' * size]
        content = b'{"text": "' + b"word \\n" * size + b'"}'
        if shape == "a comment":
            content = b": " + b"word {" * size + b"\n{}"
        step = 4096 if shape == "one long text" else 16
        return [content[at : at + step] for at in range(0, len(content), step)]

    small, large = parts(3_000), parts(30_000)
    decode(*small)
    assert cost(large) < 30 * max(cost(small), 0.0005)
