"""The n-gram model is honest: real, normalised probabilities."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.container import CORPUS, tokens
from local_aws.container.model import UNKNOWN, Model

MODEL = Model(CORPUS.read_text("utf-8"))


@given(st.text())
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(tokens.split(text)) == text


def test_tokens_are_words_with_their_space() -> None:
    assert tokens.split("It's a post:\n\nHi 42!") == ["It's", " a", " post", ":", "\n\n", "Hi", " ", "4", "2", "!"]


@given(st.lists(st.integers(0, len(MODEL.vocabulary) - 1), max_size=6))
def test_probabilities_sum_to_one_after_any_history(history: list[int]) -> None:
    distribution = MODEL.distribution(history)
    assert len(distribution) == len(MODEL.vocabulary)
    assert math.isclose(sum(distribution), 1, abs_tol=1e-9)
    assert min(distribution) > 0


def test_what_the_text_says_is_likelier() -> None:
    history = MODEL.ids(tokens.split("a career in"))
    assert max(range(len(MODEL.vocabulary)), key=MODEL.distribution(history).__getitem__) == MODEL.ids([" tech"])[0]


def test_a_hand_counted_text() -> None:
    """Witten-Bell by hand: "a b a c" has four tokens of four kinds ("a", " a", " b", " c") beside the unknown one."""
    model = Model("a b a c")
    assert model.vocabulary == ["", " a", " b", " c", "a"]
    unigram = [4 / 8 * 1 / 5 + count / 8 for count in (0, 1, 1, 1, 1)]
    assert model.distribution([]) == pytest.approx(unigram)
    after_a = [1 / 2 * probability for probability in unigram]
    after_a[2] += 1 / 2
    assert model.distribution([4]) == pytest.approx(after_a)


def test_an_unknown_token_has_the_unknown_probability() -> None:
    assert MODEL.ids(["Zwölfe"]) == [UNKNOWN]
    assert MODEL.likelihood([], UNKNOWN) == math.log(MODEL.distribution([])[UNKNOWN])
