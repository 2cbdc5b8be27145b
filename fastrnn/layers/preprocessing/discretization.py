"""Discretization: numbers as those of the ranges that they are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_number, to_positive_int, to_real_array
from fastrnn.layers.base.layer import registry
from fastrnn.layers.preprocessing.base import (
    MODES,
    PreprocessingLayer,
    batches_of,
    encode,
    encoded_shape,
)
from fastrnn.typing import Array, Config, Shape


@registry.register()
class Discretization(PreprocessingLayer):
    """Numbers as those of the ranges that they are in, or as vectors.

    Args:
        bin_boundaries: where ranges meet: k of them make k + 1 ranges.
        num_bins: number of ranges that ``adapt`` finds, with as many numbers in each.
        epsilon: how exactly: the smaller, the more quantiles are kept meanwhile.
        output_mode: ``"int"``, ``"one_hot"``, ``"multi_hot"`` or ``"count"``, see ``StringLookup``.
        sparse: must be False.
        dtype, name: of the layer.

    Raises:
        ValueError: both or none of boundaries and a number are given, or one is out of range.

    >>> Discretization(bin_boundaries=[0.0, 1.0])([[-1.5, 0.3, 1.0]]).numpy()
    array([[0, 1, 2]], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(output_mode, MODES, sparse=sparse, dtype=dtype, name=name)
        if (bin_boundaries is None) == (num_bins is None):
            expected = "exactly one of `bin_boundaries` and `num_bins`"
            raise ValueError(errors.bad_argument("num_bins", num_bins, expected))
        self.num_bins = None if num_bins is None else to_positive_int("num_bins", num_bins)
        self.epsilon = to_number("epsilon", epsilon, 0, 1, exclusive=True)
        self.bin_boundaries: list[float] | None = None
        if bin_boundaries is not None:
            given = to_real_array("bin_boundaries", bin_boundaries)
            if given.ndim != 1 or (np.diff(given) < 0).any():
                expected = "numbers, one larger than the other"
                raise ValueError(errors.bad_argument("bin_boundaries", bin_boundaries, expected))
            self.bin_boundaries = [float(number) for number in given]
        self.reset_state()

    @property
    def output_dtype(self) -> str:
        """Type of the outputs."""
        return "int32" if self.output_mode == "int" else self.dtype

    def adapt(self, data: object, steps: int | None = None) -> None:
        """Find boundaries between which as many numbers are; what was found before is forgotten.

        Args:
            data: numbers in an array; or a data set of batches of them.
            steps: batches of the data set to read, all unless given.

        Raises:
            ValueError: boundaries were given to the layer.
        """
        if self.num_bins is None:
            expected = "none: the boundaries were given to the layer"
            raise ValueError(errors.bad_argument("data", type(data).__name__, expected))
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forget what has been measured."""
        self._summary = np.zeros((2, 0), np.float32)

    def update_state(self, data: object) -> None:
        """Measure an array of numbers."""
        values = np.sort(to_real_array("data", data).astype(np.float32).ravel())
        # Every step-th value stands for a step of them.
        step = max(len(values) * self.epsilon, 1)
        kept = values[int(step - 1) :: int(step)]
        own = np.stack([kept, np.full_like(kept, step)])
        joint = np.concatenate([own, self._summary], axis=1)
        self._summary = _compress(joint[:, np.argsort(joint[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Make the boundaries of what has been measured."""
        if self.num_bins is not None and self._summary.size:
            found = _compress(self._summary, 1 / self.num_bins)[0, :-1]
            self.bin_boundaries = [float(number) for number in found]
        self.reset_state()

    def convert_inputs(self, inputs: object) -> Array:
        """Return the inputs as numbers."""
        return to_real_array("inputs", inputs).astype(self.dtype)

    def compute(self, inputs: Array) -> Array:
        """Return the numbers of ranges."""
        if self.bin_boundaries is None:
            raise ValueError(
                f"Layer {self.name!r} has no boundaries yet: call `adapt`, or pass "
                "`bin_boundaries`."
            )
        boundaries = np.asarray(self.bin_boundaries, self.dtype)
        ranges = np.digitize(inputs, boundaries)
        return encode(ranges, self.output_mode, self._depth, self.output_dtype)

    @property
    def _depth(self) -> int:
        if self.bin_boundaries is not None:
            return len(self.bin_boundaries) + 1
        assert self.num_bins is not None
        return self.num_bins

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of numbers or vectors."""
        return encoded_shape(input_shape, self.output_mode, self._depth)

    def get_config(self) -> Config:
        """Return the constructor arguments, and the boundaries that the layer has by now."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """Make a layer from what ``get_config`` returned."""
        config = dict(config)
        found = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        if found is not None:
            config["bin_boundaries"] = None
        layer = cls(**config)
        if found is not None:
            layer.bin_boundaries = [float(number) for number in found]
        return layer


def _compress(summary: Array, epsilon: float) -> Array:
    """Return values and how many they stand for (2, n), with n about 1 / epsilon."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    counts = summary[1].cumsum()
    of_all = counts / counts[-1]
    values, counts = (np.interp(shares, of_all, row) for row in (summary[0], counts))
    return np.stack([values, np.diff(counts, prepend=0)]).astype(np.float32)
