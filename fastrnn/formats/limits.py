"""The limits of what is read from a file, each a promise about memory and time.

They bound what a small file can make the reader do, not how large a model may be: the sizes of
arrays are bounded by the size of their file.
"""

from __future__ import annotations

MEMBERS = 10_000  # of a zip archive
DIRECTORY_BYTES = 2 << 20  # of the archive's list of its members
NAME_CHARACTERS = 512  # of a member, group, dataset or attribute

# Arrays and members together may be this much larger than the file that holds them.
INFLATED_FACTOR = 10
INFLATED_ALLOWANCE = 16 << 20

JSON_BYTES = 8 << 20
JSON_DEPTH = 64
JSON_VALUES = 400_000
JSON_INTEGER_DIGITS = 19  # 64 bits

NPY_HEADER_BYTES = 10_000  # NumPy's own limit
NPY_BYTES_BEFORE_VALUES = NPY_HEADER_BYTES + 12
DIMENSIONS = 8  # of an array
AXIS_LENGTH = 2**31 - 1

HDF5_DEPTH = 32  # groups inside each other
HDF5_OBJECTS = 5_000  # groups, datasets and attributes together
HDF5_TEXTS = 100_000  # texts of variable length, in attributes
HDF5_TEXT_NAMES = 32  # of such attributes
HDF5_ATTRIBUTE_BYTES = 8 << 20  # as JSON: the largest attribute is a model's configuration
HDF5_CHUNKS = 10_000  # of a dataset

MODEL_CALLS = 10_000  # of layers, those in inner models included

ONNX_NODES = 5_000  # of a graph; also its constants, inputs and outputs
ONNX_STATES = 256  # in one input


def inflated_bytes(file_bytes: int) -> int:
    """Return how many bytes may come out of a file of ``file_bytes`` bytes.

    >>> inflated_bytes(1000) - inflated_bytes(0)
    10000
    """
    return INFLATED_ALLOWANCE + INFLATED_FACTOR * file_bytes
