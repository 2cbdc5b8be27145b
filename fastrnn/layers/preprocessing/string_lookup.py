"""StringLookup: strings as numbers or vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastrnn.core.strings import to_strings
from fastrnn.layers.base.layer import registry
from fastrnn.layers.preprocessing.index_lookup import IndexLookup, Salt
from fastrnn.typing import Array, ArrayLike, Config


@registry.register()
class StringLookup(IndexLookup):
    """Strings as numbers or vectors, by a vocabulary that is given or that ``adapt`` learns.

    Args:
        max_tokens: most numbers, those of masks and unknown strings among them; ``None`` for any.
        num_oov_indices: how many numbers unknown strings have; among several one is chosen by a
            hash, with 0 they are refused.
        mask_token: has number 0, and no place in vectors; ``None`` for no such string.
        oov_token: stands for unknown strings in listings.
        vocabulary: the strings in the order of their numbers, or a file of them.
        idf_weights: weight of each string, with ``output_mode="tf_idf"``.
        invert: whether to return the strings of numbers instead.
        output_mode: ``"int"``: numbers; ``"one_hot"``: a vector for each string; ``"multi_hot"``,
            ``"count"``, ``"tf_idf"``: one for all along the last axis, with 1, how often they
            occur, or that times their weights.
        pad_to_max_tokens: whether vectors have ``max_tokens`` entries, however many are known.
        sparse: must be False.
        encoding: of bytes among the inputs.
        salt: key of the hash, an integer or two.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: an argument is unknown, or does not go with another.

    >>> layer = StringLookup(vocabulary=["a", "b"])
    >>> layer([["b", "a", "z"]]).numpy()
    array([[2, 1, 0]])
    >>> StringLookup(vocabulary=["a", "b"], invert=True)([2, 1, 0]).tolist()
    ['b', 'a', '[UNK]']
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: str | Sequence[str] | Array | None = None,
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Salt = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
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
            salt=salt,
            sparse=sparse,
            name=name,
            **kwargs,
        )

    def to_tokens(self, argument: str, value: object) -> Array:
        """Return an array of strings."""
        return to_strings(argument, value, self.encoding)

    @property
    def output_dtype(self) -> str:
        """Type of the outputs."""
        return "string" if self.invert else super().output_dtype

    def get_config(self) -> Config:
        """Return the constructor arguments, and the vocabulary that the layer has by now."""
        return {**super().get_config(), "encoding": self.encoding}
