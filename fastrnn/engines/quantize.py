"""Quantized weights of recurrent cells: what the numbers are, and how they stand in memory.

``int8``: a column w of a kernel is stored as q = w / scale to the nearest integer, scale = max|w| /
127, from -127 to 127. The rows that it multiplies, x_t and h_{t-1}, are quantized likewise, each
when it comes: a row a of numbers is q = a·(127 / max|a|), scale = max|a| / 127. Then

    a·w  =  a_scale · w_scale · (sum of q_a·q_w),

where the sum of integers is exact. ``bf16``: weights are the upper 16 bits of float32, rounded to
nearest; rows stay float32. In both, biases, gates and states are float32.

Rounding is to nearest, ties to even. A row, or a column, whose largest number is below 2^-100
counts as zeros; a row with a NaN or an infinity gives NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.engines.cells import CELLS

Array = npt.NDArray[Any]

MODES = ("int8", "bf16")
# Cells whose weights are two kernels and a bias.
QUANTIZABLE_CELLS = ("simple_rnn", "lstm", "gru", "gru_reset_after")
# Rows and columns of a kernel: the sums of longer ones might not fit into 32 bits.
MAX_TERMS = 1 << 16
_ROW_FLOOR = np.float32(2.0**-100)
# Terms of one column in a word of 32 bits.
_TERMS_IN_WORD = {"int8": 4, "bf16": 2}
# Gates that one product gives, where it is not all of them: the candidate of the GRU waits for r.
_PHASES = {"gru": ((0, 2), (2, 3))}
_ALIGNMENT = 64


def quantize_rows(rows: Array) -> tuple[Array, Array]:
    """Return int8 numbers (N, K) and float32 scales (N,) of float32 rows (N, K).

    >>> import numpy as np
    >>> q, scale = quantize_rows(np.array([[1.0, -2.0, 0.25]], "float32"))
    >>> q.tolist(), scale.round(4).tolist() == [np.float32(0.0157)]
    ([[64, -127, 16]], True)
    """
    most = np.abs(rows).max(axis=1)
    usable = np.isfinite(most) & (most >= _ROW_FLOOR)
    divisor = np.where(usable, most, np.float32(1))
    inverse = np.float32(127) / divisor
    finite = np.where(usable[:, None], rows, np.float32(0))
    q = np.rint(finite * inverse[:, None]).astype(np.int8)
    undefined = np.where(np.isfinite(most), np.float32(0), np.float32(np.nan))
    return q, np.where(usable, divisor / np.float32(127), undefined)


def quantize_columns(kernel: Array) -> tuple[Array, Array]:
    """Return int8 numbers (K, N) and float32 scales (N,) of a float32 kernel (K, N)."""
    q, scale = quantize_rows(np.ascontiguousarray(kernel.T))
    return np.ascontiguousarray(q.T), scale


def to_bfloat16(values: Array) -> Array:
    """Return float32 values rounded to bfloat16, as the upper 16 bits of each, uint16.

    >>> import numpy as np
    >>> [hex(bits) for bits in to_bfloat16(np.array([1.0, 1.00390625, -3.0], "float32"))]
    ['0x3f80', '0x3f80', '0xc040']
    """
    bits = values.view(np.uint32)
    half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return ((bits + half) >> np.uint32(16)).astype(np.uint16)


def from_bfloat16(bits: Array) -> Array:
    """Return what ``to_bfloat16`` gave as float32."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class QuantizedKernel:
    """A kernel of a cell: what it multiplies is quantized as it is.

    Attributes:
        numbers: (K, N), int8, or uint16 bits of bfloat16.
        scale: float32, (N,), for int8; else ``None``.
    """

    numbers: Array
    scale: Array | None

    # NumPy leaves `rows @ kernel` to __rmatmul__.
    __array_ufunc__ = None

    def __rmatmul__(self, rows: Array) -> Array:
        """Return rows (B, K) times the kernel, (B, N), float32."""
        if self.scale is None:
            return rows @ from_bfloat16(self.numbers)
        q, scale = quantize_rows(rows)
        # Sums of integers below 2^53 are exact in float64, whose products are the quick ones.
        exact = q.astype(np.float64) @ self.numbers.astype(np.float64)
        product: Array = exact.astype(np.float32) * (scale[:, None] * self.scale)
        return product

    def split(self, parts: int) -> list[QuantizedKernel]:
        """Return ``parts`` kernels of equally many columns."""
        scales = [None] * parts if self.scale is None else np.split(self.scale, parts)
        numbers = np.split(self.numbers, parts, axis=1)
        return [QuantizedKernel(q, s) for q, s in zip(numbers, scales, strict=True)]


class PackedSide(NamedTuple):
    """The weights of one side, as ``fr_packed_side`` of the fused engine has them."""

    words: Array
    scale: Array | None
    bias: Array | None
    first: Array | None


@dataclass(frozen=True, eq=False)
class QuantizedWeights:
    """The weights of a recurrent cell, quantized.

    Attributes:
        cell: name of the cell in ``CELLS``.
        mode: one of ``MODES``.
        kernel: of the inputs.
        recurrent_kernel: of the state.
        bias: float32, of the cell's bias shape; or ``None``.
    """

    cell: str
    mode: str
    kernel: QuantizedKernel
    recurrent_kernel: QuantizedKernel
    bias: Array | None
    # By the number of floats in a vector of the engine.
    _packed: dict[int, tuple[PackedSide, PackedSide]] = field(default_factory=dict, repr=False)

    def packed(self, lanes: int) -> tuple[PackedSide, PackedSide]:
        """Return both sides packed for vectors of ``lanes`` floats; made once and kept."""
        if lanes not in self._packed:
            gates = len(CELLS[self.cell].gates)
            width = self.kernel.numbers.shape[1]
            bias = np.zeros(width, np.float32) if self.bias is None else self.bias
            two_rows = CELLS[self.cell].has_recurrent_bias
            biases = np.broadcast_to(bias, (2, width)) if two_rows else (bias, None)
            layout = _Layout(_PHASES.get(self.cell, ((0, gates),)), gates, lanes)
            inputs, recurrent = (
                layout.side(self.mode, kernel, bias)
                for kernel, bias in zip((self.kernel, self.recurrent_kernel), biases, strict=True)
            )
            self._packed[lanes] = (inputs, recurrent)
        return self._packed[lanes]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": {}}  # copies would not be aligned


class _Layout(NamedTuple):
    """The order of packed numbers: phases, vectors of units, groups of terms, gates, lanes."""

    phases: tuple[tuple[int, int], ...]
    gates: int
    lanes: int

    def side(self, mode: str, kernel: QuantizedKernel, bias: Array | None) -> PackedSide:
        """Return the numbers of one side."""
        words = self.pack(_to_words(mode, kernel.numbers))
        packed_bias = None if bias is None else self.pack(bias[None])
        if kernel.scale is None:
            return PackedSide(words, None, packed_bias, None)
        sums = kernel.numbers.sum(axis=0, dtype=np.int32)
        first = self.pack(np.int32(-128) * sums[None])
        return PackedSide(words, self.pack(kernel.scale[None]), packed_bias, first)

    def pack(self, rows: Array) -> Array:
        """Return rows (R, gates·units) as one aligned array, zeros beyond the last unit."""
        units = rows.shape[1] // self.gates
        vectors = -(-units // self.lanes)
        padded = np.zeros((len(rows), self.gates, vectors * self.lanes), rows.dtype)
        padded[:, :, :units] = rows.reshape(len(rows), self.gates, units)
        cut = padded.reshape(len(rows), self.gates, vectors, self.lanes)
        out = _aligned(padded.size, rows.dtype)
        begin = 0
        for first, last in self.phases:
            part = cut[:, first:last].transpose(2, 0, 1, 3)
            out[begin : begin + part.size].reshape(part.shape)[...] = part
            begin += part.size
        return out


def _to_words(mode: str, numbers: Array) -> Array:
    """Return (K, N) as words (groups, N): the terms of a column that follow each other in one."""
    terms, columns = numbers.shape
    each = _TERMS_IN_WORD[mode]
    groups = -(-terms // each)
    padded = np.zeros((groups * each, columns), numbers.dtype)
    padded[:terms] = numbers
    grouped = padded.reshape(groups, each, columns)
    if mode == "int8":
        return np.ascontiguousarray(grouped.transpose(0, 2, 1)).view(np.uint32)[..., 0]
    low, high = grouped[:, 0].astype(np.uint32), grouped[:, 1].astype(np.uint32)
    return low | high << np.uint32(16)


def _aligned(size: int, dtype: Any) -> Array:
    """Return an array whose address a vector's line of the cache begins at."""
    nbytes = size * np.dtype(dtype).itemsize
    memory = np.empty(nbytes + _ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % _ALIGNMENT
    return memory[begin : begin + nbytes].view(dtype)


def quantize_weights(cell: str, mode: str, weights: Mapping[str, Array | None]) -> QuantizedWeights:
    """Quantize the float32 weights of a cell.

    Args:
        cell: name of the cell in ``CELLS``.
        mode: ``"int8"`` or ``"bf16"``.
        weights: as ``RecurrentCall`` has them.

    Raises:
        ValueError: another mode; a cell with other weights than kernels and a bias; weights that
            are not float32, not finite, or have more than 65536 rows.
    """
    if mode not in MODES:
        raise ValueError(errors.not_one_of("mode", mode, MODES))
    if cell not in QUANTIZABLE_CELLS:
        raise ValueError(errors.not_one_of("cell", cell, QUANTIZABLE_CELLS))
    quantized: list[QuantizedKernel] = []
    for name in ("kernel", "recurrent_kernel"):
        array = weights[name]
        assert array is not None  # both kernels are required
        if array.dtype != np.float32:
            raise ValueError(errors.bad_dtype(name, array.dtype, "float32, to be quantized"))
        if len(array) > MAX_TERMS:
            expected = f"at most {MAX_TERMS} rows, to be quantized"
            raise ValueError(errors.bad_shape(name, array.shape, expected))
        if not np.isfinite(array).all():
            raise ValueError(errors.bad_argument(name, "NaN or infinity", "finite weights"))
        if mode == "int8":
            quantized.append(QuantizedKernel(*quantize_columns(array)))
        else:
            quantized.append(QuantizedKernel(to_bfloat16(array), None))
    bias = weights["bias"]
    kernel, recurrent_kernel = quantized
    return QuantizedWeights(
        cell, mode, kernel, recurrent_kernel, None if bias is None else bias.copy()
    )
