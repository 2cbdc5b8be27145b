"""Lists and trees in an HDF5 file that its library would follow for ever, or into itself.

The library sees to the tree of a dataset's chunks, and to the parts of an object, itself. The list
of free space in the heap of a group's names, and the tree of a group, are looked at here, from
their bytes, before it opens an object: each of them begins with a signature.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from fastrnn.formats.containers.hdf5_texts import counted, find
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.source import Source

_HEAP = struct.Struct("<8xQQQ")  # bytes, the first free place, where it begins
_FREE = struct.Struct("<Q8x")  # the next free place in the heap
_LAST_FREE = 1
_NODE = struct.Struct("<5xBH8xQ")  # level, entries, the node behind
_CHILD = struct.Struct("<Q8x")  # place, and a key


def check_lists(source: Source) -> None:
    """See that lists end and that trees have leaves.

    Raises:
        ModelFileError: ``hdf5_damaged``; ``hdf5_too_many``: too many entries in them.
    """
    for _ in counted(_free_places(source), source):
        pass
    nodes = {start: node for start in find(source, b"TREE\0") if (node := _node_at(source, start))}
    for level, child in counted(_children(source, nodes), source):
        if child in nodes and nodes[child].level != level - 1:
            raise _damaged(source, "the tree of a group has a node that is not below the last")
    _check_order(source, nodes)


class _Node(NamedTuple):
    """A node of a group's tree."""

    level: int
    entries: int
    behind: int


def _damaged(source: Source, message: str) -> ModelFileError:
    return ModelFileError("hdf5_damaged", source.name, message)


def _free_places(source: Source) -> Iterator[int]:
    """Give the free places of all heaps of names, none of them twice."""
    for start in find(source, b"HEAP\0"):
        header = source.read_at(start, _HEAP.size)
        if len(header) < _HEAP.size:
            continue
        size, place, begin = _HEAP.unpack(header)
        seen: set[int] = set()
        while place != _LAST_FREE and place + _FREE.size <= size and begin < source.size:
            entry = source.read_at(begin + place, _FREE.size)
            if len(entry) < _FREE.size:
                break  # the library cannot read it either
            if place in seen:
                raise _damaged(source, "a heap of names whose free places form a ring")
            seen.add(place)
            yield place
            (place,) = _FREE.unpack(entry)


def _node_at(source: Source, start: int) -> _Node | None:
    header = source.read_at(start, _NODE.size)
    return _Node(*_NODE.unpack(header)) if len(header) == _NODE.size else None


def _children(source: Source, nodes: dict[int, _Node]) -> Iterator[tuple[int, int]]:
    """Give the level of each node with the places of what stands below it."""
    for start, node in nodes.items():
        # Keys of eight bytes stand between the places.
        entries = node.entries if node.level else 0
        data = source.read_at(start + _NODE.size + 8, 16 * entries)
        for (child,) in _CHILD.iter_unpack(data[: len(data) // 16 * 16]):
            yield node.level, child


def _check_order(source: Source, nodes: dict[int, _Node]) -> None:
    """See that no nodes stand in a ring."""
    ending: set[int] = set()  # nodes with an end behind them
    for start in nodes:
        row: set[int] = set()
        place = start
        while place in nodes and place not in ending:
            if place in row:
                raise _damaged(source, "the nodes of a group's tree form a ring")
            row.add(place)
            place = nodes[place].behind
        ending |= row
