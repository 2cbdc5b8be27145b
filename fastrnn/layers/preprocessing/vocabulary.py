"""Vocabulary: tokens with numbers, in front of them those of masks and of unknown tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.typing import Array, ArrayLike


@dataclass
class Vocabulary:
    """Tokens and their numbers.

    Attributes:
        mask_token: has number 0; ``None`` for no such token.
        oov_token: stands for unknown tokens in a listing.
        num_oov: how many numbers unknown tokens have.
        max_tokens: most numbers, or ``None``.
        tokens: the known tokens, in the order of their numbers.
        idf_weights: weight of each number, masks and unknown tokens among them, or ``None``.
    """

    mask_token: Any
    oov_token: Any
    num_oov: int
    max_tokens: int | None
    tokens: list[Any] = field(default_factory=list)
    idf_weights: Array | None = None
    numbers: dict[Any, int] = field(default_factory=dict)

    @property
    def oov_start(self) -> int:
        """The first number of unknown tokens."""
        return 0 if self.mask_token is None else 1

    @property
    def start(self) -> int:
        """The first number of known tokens."""
        return self.oov_start + self.num_oov

    @property
    def special(self) -> list[Any]:
        """What stands before the known tokens."""
        return [self.mask_token] * self.oov_start + [self.oov_token] * self.num_oov

    def __len__(self) -> int:
        return self.start + len(self.tokens)

    def replace(self, tokens: Sequence[Any], idf_weights: ArrayLike | None, invert: bool) -> None:
        """Set the tokens, which may begin with the special ones.

        Raises:
            ValueError: there are none or too many, or one twice, or special ones in between.
        """
        tokens = list(tokens)
        if not tokens:
            raise ValueError(errors.bad_argument("vocabulary", [], "at least one token"))
        complete = self.start > 0 and tokens[: self.start] == self.special
        known = tokens[self.start :] if complete else tokens
        repeated = [token for token, count in Counter(known).items() if count > 1]
        if repeated:
            raise ValueError(errors.bad_argument("vocabulary", repeated[:5], "each token once"))
        forbidden = [self.mask_token, self.oov_token if invert else None]
        for token in forbidden:
            if token is not None and token in known:
                expected = f"no {token!r}, or {self.special} at its beginning"
                raise ValueError(errors.bad_argument("vocabulary", token, expected))
        size = self.start + len(known)
        if self.max_tokens is not None and size > self.max_tokens:
            expected = f"at most max_tokens={self.max_tokens} numbers, {self.special} among them"
            raise ValueError(errors.bad_argument("vocabulary", f"{size} numbers", expected))
        weights = None if idf_weights is None else self._weights(idf_weights, len(tokens), complete)
        self._set(known, weights)

    def _weights(self, given: ArrayLike, count: int, complete: bool) -> Array:
        weights = np.asarray(given, np.float64)
        if weights.shape != (count,):
            expected = f"({count},), one for each token of the vocabulary"
            raise ValueError(errors.bad_shape("idf_weights", weights.shape, expected))
        return weights if complete else self._with_special(weights)

    def _with_special(self, weights: Array) -> Array:
        """Return weights behind those of special tokens, their mean."""
        return np.concatenate([np.full(self.start, weights.mean()), weights])

    def _set(self, tokens: list[Any], idf_weights: Array | None) -> None:
        self.tokens, self.idf_weights = tokens, idf_weights
        self.numbers = {token: k for k, token in enumerate(tokens, self.start)}

    def learn(self, counts: Counter[Any], documents: Counter[Any], total: int, idf: bool) -> None:
        """Set the tokens that occur most; the last in their order first, where as many do.

        Args:
            counts: how often each token occurs.
            documents: in how many documents each token occurs.
            total: number of documents.
            idf: whether to set the weights log(1 + total / (1 + documents)) too.
        """
        known = [token for token in counts if token not in (self.mask_token, self.oov_token)]
        known.sort(key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            known = known[: max(self.max_tokens - self.start, 0)]
        weights = None
        if idf and known:
            within = np.array([documents[token] for token in known])
            weights = self._with_special(np.log(1 + total / (1 + within)))
        if known:
            self._set(known, weights)

    def look_up(self, tokens: Iterable[Any], unknown: int) -> Array:
        """Return the number of each token, ``unknown`` for those that have none."""
        get = self.numbers.get
        return np.array([get(token, unknown) for token in tokens], np.int64)


def read_tokens(path: str) -> list[str]:
    """Return the lines of a file.

    Raises:
        ValueError: there is no such file.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return lines_of(file.read())
    except OSError as error:
        expected = "tokens, or the path of a file with one in each line"
        raise ValueError(errors.bad_argument("vocabulary", path, expected, str(error))) from None


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without empty ones at its end."""
    lines = text.split("\n")
    while lines and not lines[-1].strip("\r"):
        lines.pop()
    return [line.removesuffix("\r") for line in lines]
