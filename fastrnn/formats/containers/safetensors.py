"""The safetensors format: a JSON header with names, types, shapes and places, then the values.

The package of this name is a compiled module of its own and gives NumPy no bfloat16; the format is
so simple that reading it takes fewer lines than checking what came out of another reader would.
Eight bytes (little-endian) hold the length of the header, the header follows, then the bytes of
the tensors, without gaps.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.formats import limits
from fastrnn.formats.atomic import PathLike, to_path, write_atomically
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.pickles import REMEDY
from fastrnn.formats.source import Readable, Source, open_source
from fastrnn.typing import Array

SUFFIX = ".safetensors"
_METADATA = "__metadata__"
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "<u1",
}
_CODES = {np.dtype(form): code for code, form in _DTYPES.items() if code not in ("BF16", "BOOL")}
_CODES[np.dtype(bool)] = "BOOL"


@dataclass(frozen=True)
class Tensor:
    """What the header says of one tensor; ``start`` and ``end`` count from the file's beginning."""

    name: str
    code: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its array."""
        read_as = {"BF16": "f4", "BOOL": "?"}.get(self.code, _DTYPES[self.code])
        return np.dtype(read_as).newbyteorder("=")


def read_safetensors(source: Readable) -> dict[str, Array]:
    """Return the tensors of a safetensors file, in the order of its header.

    bfloat16 is widened to float32, with the same values; other types are as they are.

    Args:
        source: a path, bytes, or an open binary file.

    Raises:
        ModelFileError: the header or the places of the tensors break the format; nothing has been
            allocated then.
        FileNotFoundError: there is no such file.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "a.safetensors")
    ...     write_safetensors(path, {"a": np.arange(3.0)})
    ...     read_safetensors(path)
    {'a': array([0., 1., 2.])}
    """
    with open_source(source) as opened:
        return {tensor.name: read_tensor(opened, tensor) for tensor in read_header(opened)}


class StoredTensor:
    """A tensor in an open file, not yet read."""

    def __init__(self, opened: Source, tensor: Tensor) -> None:
        self._opened, self._tensor = opened, tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self._tensor.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its dtype."""
        return self._tensor.dtype

    def read(self, shape: tuple[int, ...]) -> Array:
        """Return the values."""
        return read_tensor(self._opened, self._tensor)


def stored_tensors(opened: Source) -> dict[str, StoredTensor]:
    """Return the tensors of an open file by name, checked but not yet read."""
    return {tensor.name: StoredTensor(opened, tensor) for tensor in read_header(opened)}


def write_safetensors(
    filepath: PathLike,
    arrays: Mapping[str, npt.ArrayLike],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write arrays to a safetensors file; it is there as a whole or not at all.

    Args:
        filepath: a path that ends in ``.safetensors``.
        arrays: bools, integers or floats by name.
        metadata: texts by name, which the header keeps.

    Raises:
        ValueError: another ending, or an array or a name of another type.
    """
    path = to_path(filepath, (SUFFIX,))
    ordered = sorted(
        ((_checked_name(name), np.asarray(array)) for name, array in arrays.items()),
        key=lambda pair: -pair[1].dtype.itemsize,  # so that each is aligned
    )
    header: dict[str, Any] = {}
    if metadata is not None:
        header[_METADATA] = {str(key): str(value) for key, value in metadata.items()}
    place = 0
    for name, array in ordered:
        code = _CODES.get(array.dtype.newbyteorder("<"))
        if code is None:
            raise ValueError(errors.bad_dtype(f"arrays[{name!r}]", array.dtype, "real numbers"))
        offsets = [place, place + array.nbytes]
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": offsets}
        place += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    def write(file: BinaryIO) -> None:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, array in ordered:
            file.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)

    write_atomically(path, write)


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or name == _METADATA:
        raise ValueError(errors.bad_argument("arrays", name, f"names other than {_METADATA!r}"))
    return name


def read_header(opened: Source) -> list[Tensor]:
    """Return what the header says of the tensors, after all checks.

    Raises:
        ModelFileError: ``safetensors_header``, ``safetensors_tensor`` or ``safetensors_places``,
            or what ``parse_json`` raises.
    """
    start, header = _read_json(opened)
    texts = header.pop(_METADATA, {})
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        message = f"{_METADATA} is no object of strings"
        raise ModelFileError("safetensors_header", opened.name, message)
    tensors = [_tensor(name, entry, start, opened) for name, entry in header.items()]
    place = start
    for tensor in sorted(tensors, key=lambda tensor: (tensor.start, tensor.end)):
        if tensor.start != place:
            kind = "a hole" if tensor.start > place else "an overlap"
            message = f"{kind} before {tensor.name[:80]!r}"
            raise ModelFileError("safetensors_places", opened.name, message)
        place = tensor.end
    if place != opened.size:
        message = f"the tensors end at byte {place}, the file at byte {opened.size}"
        raise ModelFileError("safetensors_places", opened.name, message)
    return tensors


def _read_json(opened: Source) -> tuple[int, dict[str, Any]]:
    """Return where the values start, and the header."""
    begin = opened.read_at(0, 8)
    length = struct.unpack("<Q", begin)[0] if len(begin) == 8 else 0
    if not 2 <= length <= min(limits.JSON_BYTES, opened.size - 8):
        message = (
            f"no safetensors file: a header of {length} bytes, where at most {limits.JSON_BYTES} "
            f"can be read and the file has {opened.size}."
        )
        pickled = begin.startswith((b"PK", b"\x80"))
        message += f" It looks like a pickle. {REMEDY}" if pickled else ""
        raise ModelFileError("pickle" if pickled else "safetensors_header", opened.name, message)
    text = opened.read_at(8, length)
    if not text.startswith(b"{"):
        message = "the header does not begin with {"
        raise ModelFileError("safetensors_header", opened.name, message)
    header = parse_json(text, f"{opened.name}, header", dunder_keys=(_METADATA,))
    return 8 + length, header


def _tensor(name: str, entry: object, start: int, opened: Source) -> Tensor:
    """Return what an entry of the header says, after the checks of it alone."""
    source = f"{opened.name}, {name[:80]!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        message = "not just dtype, shape and data_offsets"
        raise ModelFileError("safetensors_tensor", source, message)
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in _DTYPES:
        message = f"dtype {str(code)[:20]}, none of {', '.join(_DTYPES)}"
        raise ModelFileError("safetensors_tensor", source, message)
    sizes_fit = _are_sizes(shape) and len(shape) <= limits.DIMENSIONS
    if not sizes_fit or not _are_sizes(offsets) or len(offsets) != 2:
        message = "shape or data_offsets are no lists of sizes"
        raise ModelFileError("safetensors_tensor", source, message)
    needed = math.prod(shape) * np.dtype(_DTYPES[code]).itemsize
    begin, end = offsets
    if end - begin != needed or start + end > opened.size:
        message = f"{code} of shape {tuple(shape)} takes {needed} bytes, not {begin} to {end}"
        raise ModelFileError("safetensors_tensor", source, message)
    return Tensor(name, code, tuple(shape), start + begin, start + end)


def _are_sizes(values: object) -> bool:
    return isinstance(values, list) and all(type(n) is int and n >= 0 for n in values)


def read_tensor(opened: Source, tensor: Tensor) -> Array:
    """Return the values of a tensor of ``read_header``; bfloat16 as float32."""
    data = opened.read_at(tensor.start, tensor.end - tensor.start)
    if len(data) != tensor.end - tensor.start:
        message = f"the file ends within {tensor.name[:80]!r}"
        raise ModelFileError("safetensors_places", opened.name, message)
    raw = np.frombuffer(data, _DTYPES[tensor.code]).reshape(tensor.shape)
    if tensor.code == "BF16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32)
    if tensor.code == "BOOL":
        return raw != 0
    return raw.astype(raw.dtype.newbyteorder("="))
