"""Arrays in NumPy's ``.npy`` format: header and length are checked before an array is made.

The header is a Python literal. It is matched against the one form in which it is written, never
evaluated.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastrnn.formats import limits
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.typing import Array

_MAGIC = b"\x93NUMPY"
_LENGTH_FORMS = {1: "<H", 2: "<L", 3: "<L"}  # by the format's version
_HEADER = re.compile(
    r"\{'descr': (?P<descr>.{1,2000}), 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>(\d+, ?)*(\d+)?)\),? ?\}\s*"
)
_DTYPES = re.compile(r"'([<>|=]?(?:b1|[iu][1248]|f[248]))'")


@dataclass(frozen=True)
class NpyHeader:
    """What the header of an array says, and where the values start."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    start: int

    @property
    def bytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy_header(data: bytes, source: str) -> NpyHeader:
    """Return the header of an array; ``data`` may end anywhere behind it.

    Raises:
        ModelFileError: ``npy_header``, ``npy_dtype`` or ``npy_shape``.
    """
    match, start = _match_header(data, source)
    dtype = _DTYPES.fullmatch(match["descr"])
    if dtype is None:
        message = f"dtype {match['descr'][:60]}, where bools, integers or floats are expected"
        raise ModelFileError("npy_dtype", source, message)
    lengths = [length.strip() for length in match["shape"].split(",") if length.strip()]
    check_shape_text(lengths, source)
    shape = tuple(int(length) for length in lengths)
    return NpyHeader(shape, np.dtype(dtype[1]), match["fortran"] == "True", start)


def _match_header(data: bytes, source: str) -> tuple[re.Match[str], int]:
    """Return the parts of the header, and where it ends."""
    if not data.startswith(_MAGIC) or len(data) < 8 or data[6] not in _LENGTH_FORMS or data[7]:
        raise ModelFileError("npy_header", source, "no array in NumPy's format")
    form = _LENGTH_FORMS[data[6]]
    begin = 8 + struct.calcsize(form)
    if len(data) < begin:
        raise ModelFileError("npy_header", source, "the header is cut off")
    (length,) = struct.unpack_from(form, data, 8)
    if length > limits.NPY_HEADER_BYTES or begin + length > len(data):
        message = f"a header of {length} bytes in {len(data)}"
        raise ModelFileError("npy_header", source, message)
    match = _HEADER.fullmatch(data[begin : begin + length].decode("latin-1"))
    if match is None:
        raise ModelFileError("npy_header", source, "a header that NumPy does not write")
    return match, begin + length


def check_shape_text(lengths: list[str], source: str) -> None:
    """Check the lengths of axes as they stand in a text, or raise ``npy_shape``."""
    if len(lengths) > limits.DIMENSIONS or any(len(length) > 10 for length in lengths):
        raise ModelFileError("npy_shape", source, "too many or too long axes")
    values = [int(length) for length in lengths]
    # NumPy also multiplies the other lengths where one is 0.
    if max(values, default=0) > limits.AXIS_LENGTH or math.prod(v or 1 for v in values) > 2**48:
        raise ModelFileError("npy_shape", source, "more values than a computer has")


def read_npy(data: bytes, source: str, shape: tuple[int, ...] | None = None) -> Array:
    """Return the array that ``data`` holds.

    Args:
        data: the whole content of a ``.npy`` file.
        source: its file and place, for messages.
        shape: the shape that is expected; ``None`` for any.

    Returns:
        The array in C order and native byte order. It may be read-only, a view of ``data``.

    Raises:
        ModelFileError: see ``read_npy_header``; ``unexpected_shape``; ``npy_length`` where there
            are more or fewer bytes than the shape needs.

    >>> import io
    >>> file = io.BytesIO()
    >>> np.save(file, np.arange(3))
    >>> read_npy(file.getvalue(), "a.npy")
    array([0, 1, 2])
    """
    header = read_npy_header(data, source)
    if shape is not None and header.shape != shape:
        message = f"shape {header.shape}, where {shape} is expected"
        raise ModelFileError("unexpected_shape", source, message)
    if header.bytes != len(data) - header.start:
        message = f"{len(data) - header.start} bytes for an array of {header.bytes}"
        raise ModelFileError("npy_length", source, message)
    values = np.frombuffer(data, header.dtype, offset=header.start)
    array = values.reshape(header.shape, order="F" if header.fortran_order else "C")
    return np.ascontiguousarray(array, header.dtype.newbyteorder("=")).reshape(header.shape)
