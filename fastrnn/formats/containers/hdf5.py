"""HDF5 files as data: the whole tree is checked before a value of it is read.

The HDF5 library (h5py, the extra ``h5``) follows links to other files, loads plugins for filters
that it does not know, and reserves memory for what a file declares. A file that asks for any of it
is refused here; what is left are groups, attributes, and datasets of numbers in the file itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from fastrnn.core import errors
from fastrnn.formats import limits
from fastrnn.formats.containers.hdf5_checks import (
    attribute_value,
    check_attribute,
    check_chunks,
    check_dataset,
    check_link,
    check_name,
    check_place_of_attributes,
    is_variable_text,
)
from fastrnn.formats.containers.hdf5_lists import check_lists
from fastrnn.formats.containers.hdf5_texts import check_format, check_heaps, check_texts
from fastrnn.formats.containers.zip_archive import check_inflated
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.source import Readable, Source, open_source
from fastrnn.typing import Array

SIGNATURE = b"\x89HDF\r\n\x1a\n"


class _Object:
    """What groups and datasets share.

    Attributes:
        path: the path in the file.
        source: the file's name.
        attributes: names of the attributes.
    """

    def __init__(self, root: Any, path: str, source: str, attributes: Sequence[str]) -> None:
        self._root = root
        self.path = path
        self.source = source
        self.attributes = tuple(attributes)

    @property
    def place(self) -> str:
        """The file and the path in it, for messages."""
        return f"{self.source}, {self.path}"

    def attribute(self, name: str) -> Any:
        """Return an attribute: text as ``str``, a list of texts, or an array of numbers.

        Raises:
            ModelFileError: ``hdf5_missing``, or it cannot be read.
        """
        import h5py

        if name not in self.attributes:
            raise ModelFileError("hdf5_missing", self.place, f"no attribute {name!r}")
        with library_errors(self.place):
            attribute = h5py.h5a.open(self._open(), name.encode())
            return attribute_value(attribute, f"{self.place}, attribute {name}")

    def _open(self) -> Any:
        import h5py

        return h5py.h5o.open(self._root, self.path.encode())


class Dataset(_Object):
    """An array in a file: shape and dtype are known, the values not yet read.

    Attributes:
        shape: its shape.
        dtype: NumPy's dtype, in native byte order.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self, shape: tuple[int, ...]) -> Array:
        """Return the values, in C order and native byte order.

        Args:
            shape: the shape that is expected.

        Raises:
            ModelFileError: ``unexpected_shape``, or the values cannot be read.
        """
        if self.shape != tuple(shape):
            message = f"shape {self.shape}, where {tuple(shape)} is expected"
            raise ModelFileError("unexpected_shape", self.place, message)
        with library_errors(self.place):
            handle = self._open()
            check_chunks(handle, self.place)
            values = np.empty(self.shape, self.dtype)
            if values.size:
                _read_into(handle, values)
        return values


class Group(_Object):
    """A group of a file.

    Attributes:
        groups: the groups in it by name, in the file's order of names.
        datasets: its datasets by name.
    """

    def __init__(self, root: Any, path: str, source: str, attributes: Sequence[str]) -> None:
        super().__init__(root, path, source, attributes)
        self.groups: dict[str, Group] = {}
        self.datasets: dict[str, Dataset] = {}

    def group(self, path: str) -> Group:
        """Return the group at ``path`` below this one, or raise ``hdf5_missing``."""
        found = self
        for name in path.split("/"):
            if name not in found.groups:
                raise ModelFileError("hdf5_missing", found.place, f"no group {name!r}")
            found = found.groups[name]
        return found

    def dataset(self, path: str) -> Dataset:
        """Return the dataset at ``path`` below this group, or raise ``hdf5_missing``."""
        *groups, name = path.split("/")
        found = self.group("/".join(groups)) if groups else self
        if name not in found.datasets:
            raise ModelFileError("hdf5_missing", found.place, f"no dataset {name!r}")
        return found.datasets[name]

    def all_datasets(self) -> Iterator[Dataset]:
        """Give all datasets of this group and those below."""
        yield from self.datasets.values()
        for group in self.groups.values():
            yield from group.all_datasets()


@contextmanager
def open_hdf5(source: Readable, name: str = "") -> Iterator[Group]:
    """Open an HDF5 file, check all of it, give its root group, and close it afterwards.

    Args:
        source: a path, the bytes, or an open file.
        name: what messages call it; the path unless given.

    Raises:
        ModelFileError: see ``fastrnn.formats.error_codes`` for the rules and their codes.
        ImportError: h5py is not installed.
        FileNotFoundError: there is no such file.
    """
    h5py = import_h5py()
    with open_source(source, name) as opened:
        if opened.read_at(0, len(SIGNATURE)) != SIGNATURE:
            raise ModelFileError("not_hdf5", opened.name, "HDF5's signature is not at its start")
        check_format(opened)
        check_lists(opened)
        longest = check_heaps(opened)
        with library_errors(opened.name):
            file = h5py.File(opened.file, "r")
        try:
            with library_errors(opened.name):
                root = _Walk(opened, file.id, longest).tree()
            yield root
        finally:
            file.close()


def import_h5py() -> Any:
    """Return the module h5py, or raise ``ImportError`` that names the extra."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(errors.missing_extra("h5py", "h5", "An HDF5 file")) from error
    return h5py


@contextmanager
def library_errors(place: str) -> Iterator[None]:
    """Turn what the HDF5 library raises on damaged files into ``ModelFileError``."""
    try:
        yield
    except ModelFileError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        NotImplementedError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ModelFileError("hdf5_damaged", place, f"the HDF5 library says: {error}") from error


_Entry = TypeVar("_Entry", Group, Dataset)


class _Walk:
    """One walk over all objects of a file, which counts them and what they declare."""

    def __init__(self, source: Source, root: Any, longest_text: int) -> None:
        self._source = source
        self._root = root
        self._longest_text = longest_text
        self._objects = 0
        self._bytes = 0
        self._seen: set[int] = set()
        self._texts: set[str] = set()  # names of attributes that hold texts of variable length

    def tree(self) -> Group:
        """Return the root group with all that is below it."""
        import h5py

        root = self._enter(Group, h5py.h5g.open(self._root, b"/"), "/")
        level = [root]
        for _ in range(limits.HDF5_DEPTH):
            level = [inner for group in level for inner in self._fill(group)]
            if not level:
                if self._texts:
                    check_texts(self._source, self._texts, self._longest_text)
                return root
        message = f"groups nested more than {limits.HDF5_DEPTH} deep"
        raise ModelFileError("hdf5_depth", self._source.name, message)

    def _fill(self, group: Group) -> list[Group]:
        """Open what a group holds; return the groups in it."""
        import h5py

        handle = h5py.h5g.open(self._root, group.path.encode())
        self._count(handle.get_num_objs(), group.place)
        prefix = group.path.rstrip("/")
        for name in handle:
            text = check_name(name, group.place)
            path = f"{prefix}/{text}"
            place = f"{self._source.name}, {path}"
            check_link(handle, name, place)
            inner = h5py.h5o.open(handle, name)
            if isinstance(inner, h5py.h5g.GroupID):
                group.groups[text] = self._enter(Group, inner, path)
            elif isinstance(inner, h5py.h5d.DatasetID):
                dataset = group.datasets[text] = self._enter(Dataset, inner, path)
                dataset.shape, stored = check_dataset(inner, place)
                dataset.dtype = stored.newbyteorder("=")
                self._bytes += dataset.bytes
                check_inflated(self._bytes, self._source.size, place)
            else:
                raise ModelFileError("hdf5_kind", place, "neither a group nor a dataset")
        return list(group.groups.values())

    def _enter(self, kind: type[_Entry], handle: Any, path: str) -> _Entry:
        """See that an object is met for the first time, and check its attributes."""
        import h5py

        place = f"{self._source.name}, {path}"
        address = h5py.h5o.get_info(handle).addr
        if address in self._seen:
            raise ModelFileError("hdf5_shared", place, "this object has two places")
        self._seen.add(address)
        self._count(h5py.h5a.get_num_attrs(handle), place)
        names: list[bytes] = []
        h5py.h5a.iterate(handle, names.append)
        for name in names:
            attribute = h5py.h5a.open(handle, name)
            where = f"{place}, attribute {check_name(name, place)}"
            check_attribute(attribute, where)
            if is_variable_text(attribute):
                self._texts.add(name.decode())
                check_place_of_attributes(handle, where)
        return kind(self._root, path, self._source.name, [name.decode() for name in names])

    def _count(self, more: int, place: str) -> None:
        self._objects += more
        if self._objects > limits.HDF5_OBJECTS:
            message = f"more than {limits.HDF5_OBJECTS} groups, datasets and attributes"
            raise ModelFileError("hdf5_too_many", place, message)


def _read_into(handle: Any, values: Array) -> None:
    import h5py

    whole = h5py.h5s.ALL
    handle.read(whole, whole, values, h5py.h5t.py_create(values.dtype))
