"""Texts of variable length in an HDF5 file: their lengths, looked at before the library does.

An attribute holds the length and the place of such a text, which stands in a heap. The HDF5 library
reserves memory for whatever length is written there, reads a text as often as it is named, and
follows a damaged heap for ever. It does not tell the lengths, so they are read from the bytes.
Every attribute that it would read must be found: so attributes that may stand elsewhere (in heaps
of their own, in tables of shared messages) are refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterator
from typing import TypeVar

from fastrnn.formats import limits
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.source import Source

_Item = TypeVar("_Item")
_HEAP = struct.Struct("<4sB3xQ")  # signature, version, bytes of the heap
_HEAP_ENTRY = struct.Struct("<H6xQ")  # index, 0 for free space, and bytes
_LEAST_HEAP = 4096
_ATTRIBUTE = struct.Struct("<2B3H")  # version, flags, bytes of name, type and shape
_ATTRIBUTE_VERSIONS = {1: (8, 8), 2: (8, 1), 3: (9, 1)}  # bytes before the name, and rounding
_REFERENCE = struct.Struct("<L12x")  # length of a text, and its place
_TEXT = struct.Struct("<B11xL")  # class of a type, and bytes of what it has a variable number of
_VARIABLE_LENGTH = 9  # a class of types
_HERE, _NOWHERE = bytes(8), b"\xff" * 8
_STEP = 1 << 20


def check_format(source: Source) -> None:
    """See that addresses have 64 bits and count from the start, and that no messages are shared.

    Raises:
        ModelFileError: ``hdf5_damaged``.
    """
    start = source.read_at(0, 36)
    wide = b"\x08\x08"
    base = 28 if start[8:9] == b"\1" else 24
    plain = start[8:9] in (b"\0", b"\1") and start[13:15] == wide and start[base:][:8] == _HERE
    newer = start[8:9] in (b"\2", b"\3") and start[9:11] == wide and start[12:20] == _HERE
    newer = newer and start[20:28] == _NOWHERE
    if not (plain or newer):
        message = "a kind of HDF5 that no library for models writes"
        raise ModelFileError("hdf5_damaged", source.name, message)


def check_heaps(source: Source) -> int:
    """Check all that the library would take for a heap; return the length of the longest text.

    Raises:
        ModelFileError: ``hdf5_damaged``: a heap that does not consist of its entries;
            ``hdf5_filter``: one that is compressed, which the library inflates without end;
            ``hdf5_too_many``: too many entries.
    """
    for start in find(source, b"FRHP\0"):  # a heap of names: the length of its filters follows
        if source.read_at(start + 7, 2) != bytes(2):
            raise ModelFileError("hdf5_filter", source.name, "names in a compressed heap")
    return max(counted(_heap_lengths(source), source), default=0)


def check_texts(source: Source, names: Collection[str], longest: int) -> None:
    """Check the lengths of all texts of variable length in attributes with these names.

    Args:
        source: the file.
        names: of the attributes.
        longest: length of the longest text that there is, from ``check_heaps``.

    Raises:
        ModelFileError: ``hdf5_attribute``: too long, one alone or together; ``hdf5_too_many``;
            ``hdf5_damaged``: a text or an attribute that is not there.
    """
    if len(names) > limits.HDF5_TEXT_NAMES:
        message = f"texts in attributes of {len(names)} names"
        raise ModelFileError("hdf5_attribute", source.name, message)
    total, found = 0, set()
    for name, length in counted(_references(source, names), source):
        found.add(name)
        total += length
        if length > longest:
            raise ModelFileError("hdf5_damaged", source.name, "a text longer than all that stand")
    if longest > limits.HDF5_ATTRIBUTE_BYTES or total > limits.inflated_bytes(source.size):
        raise ModelFileError("hdf5_attribute", source.name, f"texts of {total} bytes")
    if missing := set(names) - found:
        message = f"the attribute {min(missing)!r} stands where it is not looked for"
        raise ModelFileError("hdf5_damaged", source.name, message)


def counted(items: Iterator[_Item], source: Source) -> Iterator[_Item]:
    """Give the items, or raise ``ModelFileError`` if they are too many."""
    for count, item in enumerate(items):
        if count >= limits.HDF5_TEXTS:
            message = f"more than {limits.HDF5_TEXTS} texts, or entries of heaps and trees"
            raise ModelFileError("hdf5_too_many", source.name, message)
        yield item


def find(source: Source, literal: bytes) -> Iterator[int]:
    """Give the places where ``literal`` stands."""
    return counted(_places(source, literal), source)


def _places(source: Source, literal: bytes) -> Iterator[int]:
    for begin in range(0, source.size, _STEP):
        block = source.read_at(begin, _STEP + len(literal) - 1)
        place = block.find(literal)
        while place >= 0:
            yield begin + place
            place = block.find(literal, place + 1)


def _heap_lengths(source: Source) -> Iterator[int]:
    """Give the lengths of all that stands in heaps, and 0 for free space."""
    for start in find(source, b"GCOL\1"):
        header = source.read_at(start, _HEAP.size)
        size = _HEAP.unpack(header)[2] if len(header) == _HEAP.size else 0
        if not _LEAST_HEAP <= size <= source.size - start:
            continue  # the library does not take this for a heap
        position, end = start + _HEAP.size, start + size
        while position + _HEAP_ENTRY.size <= end:
            index, length = _HEAP_ENTRY.unpack(source.read_at(position, _HEAP_ENTRY.size))
            step = _HEAP_ENTRY.size + -(-length // 8) * 8 if index else length
            if not _HEAP_ENTRY.size <= step <= end - position:
                message = "a heap that does not consist of its entries"
                raise ModelFileError("hdf5_damaged", source.name, message)
            position += step
            yield length if index else 0


def _references(source: Source, names: Collection[str]) -> Iterator[tuple[str, int]]:
    """Give name and length of all that looks like a text in an attribute with one of the names."""
    for name in names:
        literal = name.encode() + b"\0"
        for start in find(source, literal):
            for version, form in _ATTRIBUTE_VERSIONS.items():
                for length in _lengths_behind(source, start, len(literal), version, *form):
                    yield name, length


def _lengths_behind(
    source: Source, start: int, name_bytes: int, version: int, before: int, rounding: int
) -> Iterator[int]:
    """Give the lengths of the texts of an attribute whose name stands at ``start``."""
    header = source.read_at(max(0, start - before), before)
    if len(header) < before or start < before:
        return
    stated_version, _, stated_bytes, type_bytes, shape_bytes = _ATTRIBUTE.unpack_from(header)
    if stated_version != version or stated_bytes < name_bytes:
        return
    parts = [-(-count // rounding) * rounding for count in (stated_bytes, type_bytes, shape_bytes)]
    kind = source.read_at(start + parts[0], _TEXT.size)
    kind_class, unit = _TEXT.unpack(kind) if len(kind) == _TEXT.size else (0, 0)
    if kind_class & 0xF != _VARIABLE_LENGTH:
        return
    count = _count_of(source.read_at(start + parts[0] + parts[1], shape_bytes))
    data = source.read_at(start + sum(parts), _REFERENCE.size * min(count, limits.HDF5_TEXTS + 1))
    for (length,) in _REFERENCE.iter_unpack(data[: len(data) // 16 * 16]):
        yield length * unit


def _count_of(shape: bytes) -> int:
    """Return how many values an encoded shape has; too many where it is cut off."""
    begin = 8 if shape[:1] == b"\1" else 4
    dimensions = shape[begin : begin + 8 * shape[1]] if len(shape) > 1 else b""
    if len(shape) < begin or len(dimensions) != 8 * shape[1]:
        return limits.HDF5_TEXTS + 1
    return math.prod(length for (length,) in struct.iter_unpack("<Q", dimensions))
