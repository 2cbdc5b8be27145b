"""IntegerLookup: integers as numbers of a vocabulary, or as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastrnn.core.checks import to_choice
from fastrnn.layers.base.layer import registry
from fastrnn.layers.preprocessing.index_lookup import IndexLookup, Salt, Token, to_integers
from fastrnn.typing import Array, ArrayLike, Config


@registry.register()
class IntegerLookup(IndexLookup):
    """Integers as numbers or vectors, by a vocabulary that is given or that ``adapt`` learns.

    Args:
        max_tokens: most numbers, those of masks and unknown integers among them; ``None`` for any.
        num_oov_indices: how many numbers unknown integers have; with 0 they are refused.
        mask_token: has number 0, and no place in vectors; ``None`` for no such integer.
        oov_token: stands for unknown integers in listings.
        vocabulary: the integers in the order of their numbers, or a file of them.
        vocabulary_dtype: ``"int64"``.
        idf_weights: weight of each integer, with ``output_mode="tf_idf"``.
        invert: whether to return the integers of numbers instead.
        output_mode, pad_to_max_tokens, sparse, salt: see ``StringLookup``.
        oov_method: how one of several numbers is chosen for unknown integers: ``"floormod"``, by
            their remainder, or ``"farmhash"``.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: an argument is unknown, or does not go with another.

    >>> layer = IntegerLookup(vocabulary=[12, 36])
    >>> layer([[36, 12, 7]]).numpy()
    array([[2, 1, 0]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: str | Sequence[int] | Array | None = None,
        vocabulary_dtype: str = "int64",
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Salt = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.vocabulary_dtype = to_choice("vocabulary_dtype", vocabulary_dtype, ("int64",))
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            oov_method,
            salt,
            sparse=sparse,
            name=name,
            **kwargs,
        )

    def to_tokens(self, argument: str, value: Any) -> Array:
        """Return an array of integers."""
        if argument == "vocabulary":
            value = [int(entry) for entry in value]
        return to_integers(argument, value)

    def hashed(self, token: Token) -> int:
        """Return a number below ``num_oov_indices`` for an unknown integer."""
        if self.oov_method == "floormod":
            return int(token or 0) % self.num_oov_indices
        return super().hashed(token)

    def _token_of(self, line: str) -> int:
        return int(line)

    def _tokens_of(self, numbers: Array) -> Array:
        return super()._tokens_of(numbers).astype("int64")

    def get_config(self) -> Config:
        """Return the constructor arguments, and the vocabulary that the layer has by now."""
        return {**super().get_config(), "vocabulary_dtype": self.vocabulary_dtype}
