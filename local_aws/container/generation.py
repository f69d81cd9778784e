"""Generates texts with the model: truncation, sampling, stop sequences and likelihoods."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass
from typing import Any

from local_aws.container import tokens
from local_aws.container.contract import Refused, Request
from local_aws.container.model import UNKNOWN, Model


@dataclass(frozen=True)
class Token:
    """A token and its log-likelihood under the model, before temperature, k, p and penalties; None when unknown."""

    text: str
    likelihood: float | None


@dataclass(frozen=True)
class Generation:
    """A generated text.

    Attributes:
        text: the text, cut at a stop sequence.
        tokens: the sampled tokens, also those that the cut removed.
        stopped: whether a sequence of the request, or the model, ended the text before ``max_tokens``.
        prompt: the tokens of the prompt, when the request asks for their likelihoods.
        cut: whether a sequence of the request ended the text. An OpenAI-compatible server does not say.

    """

    text: str
    tokens: tuple[Token, ...]
    stopped: bool
    prompt: tuple[Token, ...] = ()
    cut: bool = False

    @property
    def finish_reason(self) -> str:
        """Return Cohere's reason why the text ended."""
        return "COMPLETE" if self.stopped else "MAX_TOKENS"

    def pieces(self) -> list[str]:
        """Return the text by its sampled tokens. The last piece can be a part of a token, where the text is cut."""
        found, left = list[str](), self.text
        for token in self.tokens:
            if piece := left[: len(token.text)]:
                found.append(piece)
            left = left[len(token.text) :]
        return found

    def document(self, return_likelihoods: str) -> dict[str, Any]:
        """Return the generation as Cohere's API does.

        Args:
            return_likelihoods: the request's field: ``NONE``, ``GENERATION`` or ``ALL``.

        """
        if return_likelihoods == "NONE":
            return {"text": self.text}
        shown = [*self.prompt, *self.tokens]
        return {
            "text": self.text,
            "likelihood": sum(token.likelihood or 0.0 for token in shown) / max(1, len(shown)),
            "token_likelihoods": [{"token": token.text, "likelihood": token.likelihood} for token in shown],
        }


def answer(model: Model, request: Request) -> list[Generation]:
    """Return the generations of a request.

    Raises:
        Refused: prompt and prediction do not fit into the context.

    """
    prompt = truncated(tokens.split(request.prompt), request)
    choice = random.Random(request.seed)  # noqa: S311 - language, no secret
    return [_generation(model, prompt, request, choice) for _ in range(request.num_generations)]


def fixed(text: str, request: Request, max_tokens: int | None) -> Generation:
    """Return a given text as if the model generated it, each token with the probability 1.

    Args:
        text: the whole text.
        request: the request, whose sequences cut it.
        max_tokens: how many tokens it may have; None for all.

    """
    every = tokens.split(text)
    made = [Token(token, 0.0) for token in every[:max_tokens]]
    written = "".join(token.text for token in made)
    if any(stop in written for stop in (*request.stop_sequences, *request.end_sequences)):
        return Generation(_cut(written, request), tuple(made), stopped=True, cut=True)
    return Generation(written, tuple(made), stopped=len(made) == len(every))


def truncated(prompt: list[str], request: Request) -> list[str]:
    """Return the tokens of the prompt, cut by ``truncate`` to the context without ``max_tokens``.

    Raises:
        Refused: they do not fit and ``truncate`` is NONE, or nothing of the prompt would be left.

    """
    room, total = request.context - request.max_tokens, len(prompt) + request.max_tokens
    if len(prompt) <= room:
        return prompt
    if request.truncate == "NONE" or room < 1:
        raise Refused(
            400,
            "too many tokens: total number of tokens (prompt and prediction) cannot exceed "
            f"{request.context} - received {total}",
        )
    return prompt[-room:] if request.truncate == "START" else prompt[:room]


def _generation(model: Model, prompt: list[str], request: Request, choice: random.Random) -> Generation:
    history = model.ids(prompt)
    made, text, stopped = list[Token](), "", False
    chosen = list[int]()
    for _ in range(request.max_tokens):
        probabilities = model.distribution(history)
        token = _choose(probabilities, chosen, request, choice)
        history.append(token)
        chosen.append(token)
        made.append(Token(model.vocabulary[token], math.log(probabilities[token])))
        text += model.vocabulary[token]
        if any(stop in text for stop in (*request.stop_sequences, *request.end_sequences)):
            text, stopped = _cut(text, request), True
            break
    shown = _tokens_of(model, prompt) if request.return_likelihoods == "ALL" else ()
    return Generation(text, tuple(made), stopped, shown, cut=stopped)


def _tokens_of(model: Model, prompt: list[str]) -> tuple[Token, ...]:
    ids = model.ids(prompt)
    return tuple(Token(text, model.likelihood(ids[:end], ids[end])) for end, text in enumerate(prompt))


def _cut(text: str, request: Request) -> str:
    """Cut the text behind the first stop sequence, or before the first end sequence, whichever comes first."""
    cuts = [text.find(stop) + len(stop) for stop in request.stop_sequences if stop in text]
    cuts += [text.find(end) for end in request.end_sequences if end in text]
    return text[: min(cuts)]


def _choose(probabilities: list[float], made: list[int], request: Request, choice: random.Random) -> int:
    """Choose a token: penalties, then temperature, then k, then p, as Cohere's documentation orders them."""
    scores = [math.log(probability) for probability in probabilities]
    if made and (request.frequency_penalty or request.presence_penalty):
        for token in set(made):
            scores[token] -= request.presence_penalty + request.frequency_penalty * made.count(token)
    scores[UNKNOWN] = -math.inf
    if request.temperature == 0:
        return max(range(len(scores)), key=scores.__getitem__)
    best = max(scores)
    weights = [math.exp((score - best) / request.temperature) for score in scores]
    candidates = heapq.nlargest(request.k or len(weights), range(len(weights)), key=weights.__getitem__)
    if 0 < request.p < 1:
        candidates = _nucleus(candidates, weights, request.p)
    return choice.choices(candidates, [weights[token] for token in candidates])[0]


def _nucleus(candidates: list[int], weights: list[float], share: float) -> list[int]:
    """Return the likeliest candidates whose weights reach the share of the whole."""
    threshold, reached = share * sum(weights[token] for token in candidates), 0.0
    for count, token in enumerate(candidates, start=1):
        reached += weights[token]
        if reached >= threshold:
            return candidates[:count]
    return candidates
