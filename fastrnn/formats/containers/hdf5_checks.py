"""The rules for single objects of an HDF5 file; each raises ``ModelFileError`` or returns."""

from __future__ import annotations

import itertools
import math
import unicodedata
import zlib
from functools import cache
from typing import Any

import numpy as np

from fastrnn.formats import limits
from fastrnn.formats.containers.zip_archive import inflate
from fastrnn.formats.model_file_error import ModelFileError

_KINDS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


@cache
def _number_types() -> dict[bytes, np.dtype[Any]]:
    """Return the types of numbers that are read, by HDF5's description of them."""
    import h5py

    dtypes = [np.dtype(f"{order}{kind}") for order in "<>" for kind in _KINDS]
    return {h5py.h5t.py_create(dtype).encode(): dtype for dtype in dtypes}


def check_name(name: object, place: str) -> str:
    """Return a name as text."""
    try:
        text = name.decode("utf-8") if isinstance(name, bytes) else str(name)
        text.encode("utf-8")
    except UnicodeError as error:
        raise ModelFileError("hdf5_name", place, f"the name {name!r} is no UTF-8") from error
    controls = any(unicodedata.category(character)[0] == "C" for character in text)
    if controls or text in ("", ".", "..") or len(text) > limits.NAME_CHARACTERS:
        raise ModelFileError("hdf5_name", place, f"the name {text[:60]!r}")
    return text


def check_link(group: Any, name: bytes, place: str) -> None:
    """See that a name in a group leads to an object of this file."""
    import h5py

    if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
        raise ModelFileError("hdf5_link", place, "a link that leads elsewhere")


def check_attribute(attribute: Any, place: str) -> None:
    """Check kind and size of an attribute's value, which is not read."""
    import h5py

    kind, space = attribute.get_type(), attribute.get_space()
    is_text = kind.get_class() == h5py.h5t.STRING
    if kind.committed() or (not is_text and kind.encode() not in _number_types()):
        raise ModelFileError("hdf5_attribute", place, "neither a number nor text")
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        raise ModelFileError("hdf5_attribute", place, "an attribute without a value")
    count = math.prod(space.get_simple_extent_dims())
    if is_text and count > limits.HDF5_OBJECTS:
        raise ModelFileError("hdf5_attribute", place, f"{count} texts")
    if count * kind.get_size() > limits.HDF5_ATTRIBUTE_BYTES:
        message = f"more than {limits.HDF5_ATTRIBUTE_BYTES} bytes"
        raise ModelFileError("hdf5_attribute", place, message)


def is_variable_text(attribute: Any) -> bool:
    """Whether an attribute that has been checked holds texts of variable length."""
    import h5py

    kind = attribute.get_type()
    return bool(kind.get_class() == h5py.h5t.STRING and kind.is_variable_str())


def check_place_of_attributes(handle: Any, place: str) -> None:
    """See that the attributes of an object stand beside it, not in a heap of their own."""
    import h5py

    if h5py.h5o.get_info(handle).meta_size.attr.heap_size:
        message = "text of variable length among many attributes"
        raise ModelFileError("hdf5_attribute", place, message)


def attribute_value(attribute: Any, place: str) -> Any:
    """Return the value of an attribute that has been checked."""
    import h5py

    kind, shape = attribute.get_type(), attribute.get_space().get_simple_extent_dims()
    is_text = kind.get_class() == h5py.h5t.STRING
    values = np.empty(shape, attribute.dtype if is_text else attribute.dtype.newbyteorder("="))
    if values.size:
        attribute.read(values)
    if not is_text:
        return values
    texts = [_to_text(value, place) for value in values.ravel()]
    return texts[0] if shape == () else texts


def _to_text(value: object, place: str) -> str:
    data = value if isinstance(value, bytes) else str(value or "").encode("utf-8", "replace")
    if len(data) > limits.HDF5_ATTRIBUTE_BYTES:
        message = f"more than {limits.HDF5_ATTRIBUTE_BYTES} bytes"
        raise ModelFileError("hdf5_attribute", place, message)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError("hdf5_attribute", place, "text that is no UTF-8") from error


def check_dataset(dataset: Any, place: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Check how a dataset is stored, and return its shape and dtype."""
    import h5py

    plan = dataset.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        raise ModelFileError("hdf5_virtual", place, "a virtual dataset")
    if plan.get_external_count():
        raise ModelFileError("hdf5_external", place, "values in another file")
    filters = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    if not set(filters) <= {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE} or len(filters) > 2:
        raise ModelFileError("hdf5_filter", place, f"filters {filters[:5]}, not gzip and shuffle")
    dtype = _number_types().get(dataset.get_type().encode())
    if dtype is None:
        raise ModelFileError("hdf5_dtype", place, "neither integers nor floats")
    shape = _shape_of(dataset, place)
    _check_storage(dataset, plan, shape, dtype, place)
    return shape, dtype


def _shape_of(dataset: Any, place: str) -> tuple[int, ...]:
    import h5py

    space = dataset.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        raise ModelFileError("hdf5_storage", place, "a dataset without values")
    shape = tuple(int(length) for length in space.get_simple_extent_dims())
    too_long = max(shape, default=0) > limits.AXIS_LENGTH or len(shape) > limits.DIMENSIONS
    if too_long or math.prod(length or 1 for length in shape) > 2**48:
        raise ModelFileError("hdf5_storage", place, "too many or too long axes")
    return shape


def _check_storage(
    dataset: Any, plan: Any, shape: tuple[int, ...], dtype: np.dtype[Any], place: str
) -> None:
    """See that every value is stored: none is made up from the fill value."""
    import h5py

    if plan.get_layout() != h5py.h5d.CHUNKED:
        if dataset.get_storage_size() != math.prod(shape) * dtype.itemsize:
            raise ModelFileError("hdf5_storage", place, f"{dataset.get_storage_size()} bytes")
        return
    chunk = plan.get_chunk()
    if any(part > length for part, length in zip(chunk, shape, strict=True)):
        raise ModelFileError("hdf5_chunks", place, f"chunks {chunk} of an array {shape}")
    count = math.prod(-(-length // part) for part, length in zip(chunk, shape, strict=True))
    if count > limits.HDF5_CHUNKS:
        raise ModelFileError("hdf5_chunks", place, f"more than {limits.HDF5_CHUNKS} chunks")
    if dataset.get_num_chunks() != count:
        message = f"{dataset.get_num_chunks()} chunks, where its shape needs {count}"
        raise ModelFileError("hdf5_storage", place, message)


def check_chunks(dataset: Any, place: str) -> None:
    """See that each compressed chunk inflates to its size; the HDF5 library would not stop."""
    import h5py

    plan = dataset.get_create_plist()
    if plan.get_layout() != h5py.h5d.CHUNKED:
        return
    filters = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    chunk = plan.get_chunk()
    size = math.prod(chunk) * dataset.get_type().get_size()
    starts = [range(0, length, part) for length, part in zip(dataset.shape, chunk, strict=True)]
    for offset in itertools.product(*starts):
        mask, data = dataset.read_direct_chunk(offset)
        if mask:
            raise ModelFileError("hdf5_chunks", place, "chunks with different filters")
        if h5py.h5z.FILTER_DEFLATE in filters:
            _check_inflated_chunk(data, size, place)
        elif len(data) != size:
            raise ModelFileError("hdf5_chunks", place, f"a chunk of {len(data)} bytes, not {size}")


def _check_inflated_chunk(data: bytes, size: int, place: str) -> None:
    try:
        inflate(data, size, place, zlib.MAX_WBITS)
    except ModelFileError as error:
        raise ModelFileError("hdf5_chunks", place, f"a chunk {error}") from error
