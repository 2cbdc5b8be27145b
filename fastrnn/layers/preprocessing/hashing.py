"""Hashing: strings and integers as numbers of bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core.checks import to_choice, to_positive_int
from fastrnn.core.strings import to_strings
from fastrnn.layers.base.layer import registry
from fastrnn.layers.preprocessing.base import MODES, PreprocessingLayer, encode, encoded_shape
from fastrnn.layers.preprocessing.hashes import farm_hash, sip_hash
from fastrnn.layers.preprocessing.index_lookup import Salt, to_integers, to_salt
from fastrnn.typing import Array, Config, Shape


@registry.register()
class Hashing(PreprocessingLayer):
    """Strings or integers as numbers of bins, by a hash: no vocabulary is kept.

    Args:
        num_bins: number of bins; different inputs may come into one.
        mask_value: has bin 0 for itself; ``None`` for no such value.
        salt: key of the hash, an integer or two: SipHash; without one FarmHash.
        output_mode: ``"int"``, ``"one_hot"``, ``"multi_hot"`` or ``"count"``, see ``StringLookup``.
        sparse: must be False.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: an argument is unknown.

    >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy().ravel()
    array([1, 0, 1, 1, 2])
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: str | int | None = None,
        salt: Salt = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        dtype = kwargs.get("dtype")
        super().__init__(output_mode, MODES, sparse=sparse, **kwargs)
        self.num_bins = to_positive_int("num_bins", num_bins)
        self.mask_value, self.salt = mask_value, to_salt(salt)
        self._int_dtype = "int64"
        if self.output_mode == "int" and isinstance(dtype, str):
            self._int_dtype = to_choice("dtype", dtype, ("int32", "int64", "float32", "float64"))
            if "float" in self._int_dtype:  # what files of fastrnn have there
                self._int_dtype = "int64"

    @property
    def output_dtype(self) -> str:
        """Type of the outputs."""
        return self._int_dtype if self.output_mode == "int" else self.dtype

    def convert_inputs(self, inputs: object) -> Array:
        """Return the inputs as strings, or as integers; fractions are cut off."""
        array = np.asarray(inputs, object)
        first = next(iter(array.ravel()), "")
        if isinstance(first, (str, bytes)):
            return to_strings("inputs", inputs)
        return to_integers("inputs", inputs)

    def compute(self, inputs: Array) -> Array:
        """Return the bins."""
        masked = self.mask_value is not None and self.num_bins > 1
        bins = self.num_bins - masked
        numbers = np.empty(inputs.size, np.int64)
        for k, value in enumerate(inputs.ravel().tolist()):
            text = str(value).encode()
            number = farm_hash(text) if self.salt is None else sip_hash(text, self.salt)
            numbers[k] = 0 if masked and value == self.mask_value else number % bins + masked
        shaped = numbers.reshape(inputs.shape)
        return encode(shaped, self.output_mode, self.num_bins, self.output_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of numbers or vectors."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def get_config(self) -> Config:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "mask_value": self.mask_value,
            "salt": None if self.salt is None else list(self.salt),
            "output_mode": self.output_mode,
        }
