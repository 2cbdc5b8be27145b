"""split_dataset."""

from __future__ import annotations

import random as standard_random

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import integer_of
from fastrnn.data.dataset import Dataset
from fastrnn.data.sources.batching import Batched
from fastrnn.data.sources.source import INFINITE, Stream
from fastrnn.typing import Nest

Size = int | float | None


def split_dataset(
    dataset: Dataset | Nest,
    left_size: Size = None,
    right_size: Size = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Return the first elements of a data set, and the last ones, as two data sets.

    Args:
        dataset: a data set, an array, or a list or tuple of arrays with as many rows. What comes in
            batches is split by their entries, and comes in such batches again.
        left_size, right_size: how many elements go to each, or a share of them; what is not given
            is the rest.
        shuffle: whether the order is drawn first.
        seed: seed of that order.
        preferred_backend: accepted.

    Raises:
        ValueError: no size is given, one is out of range, or a part would be empty.
        TypeError: it is none of these.

    >>> left, right = split_dataset(np.arange(10), left_size=0.7)
    >>> len(left), len(right)
    (7, 3)
    """
    whole, batch_size = _whole(dataset)
    elements = list(whole._source)
    if shuffle:
        seed = standard_random.randint(0, 10**6) if seed is None else seed
        standard_random.Random(seed).shuffle(elements)
    left, right = _sizes(left_size, right_size, len(elements))
    parts = elements[:left], elements[-right:]
    first, last = (Dataset(Stream(part.__iter__, len(part))) for part in parts)
    if batch_size is None:
        return first, last
    return first.batch(batch_size), last.batch(batch_size)


def _whole(dataset: Dataset | Nest) -> tuple[Dataset, int | None]:
    """Return a data set of single elements, and the size of batches that they came in."""
    if isinstance(dataset, Dataset):
        if int(dataset.cardinality()) == INFINITE:
            expected = "one that ends"
            raise ValueError(errors.bad_argument("dataset", "an endless data set", expected))
        source = dataset._source
        if isinstance(source, Batched):
            return dataset.unbatch(), source.size
        return dataset, None
    if isinstance(dataset, (list, tuple)) and dataset and isinstance(dataset[0], np.ndarray):
        return Dataset.from_tensor_slices(tuple(dataset)), None
    if isinstance(dataset, np.ndarray):
        return Dataset.from_tensor_slices(dataset), None
    expected = "a fastrnn.data.Dataset, an array, or a list of arrays"
    raise TypeError(errors.bad_argument("dataset", type(dataset).__name__, expected))


def _sizes(left_size: Size, right_size: Size, total: int) -> tuple[int, int]:
    """Return how many elements each part has."""
    if left_size is None and right_size is None:
        raise ValueError(errors.bad_argument("left_size", None, "this or `right_size`"))
    left, right = (
        _size(name, size, total)
        for name, size in (("left_size", left_size), ("right_size", right_size))
    )
    left = total - (right or 0) if left is None else left
    right = total - left if right is None else right
    if left + right > total:
        expected = f"at most {total} with right_size={right}"
        raise ValueError(errors.bad_argument("left_size", left, expected))
    for name, size in (("left_size", left), ("right_size", right)):
        if size < 1:
            expected = f"one that leaves elements to it, of {total}"
            raise ValueError(errors.bad_argument(name, size, expected))
    return left, right


def _size(argument: str, size: Size, total: int) -> int | None:
    if size is None:
        return None
    number = integer_of(size)
    if number is None and isinstance(size, float) and 0 < size < 1:
        return round(size * total)
    if number is None or not 0 < number < total:
        expected = f"a share between 0 and 1, or an integer from 1 to below {total}"
        raise ValueError(errors.bad_argument(argument, size, expected))
    return number
