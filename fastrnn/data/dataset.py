"""Dataset: elements that are made as they are needed, in stages, with the names of ``tf.data``."""

from __future__ import annotations

import builtins
import glob
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.data.collection import Collection, to_count
from fastrnn.data.elements import Element, call, map_leaves, to_element, to_leaf
from fastrnn.data.sources import mapping, orders, sequencing
from fastrnn.data.sources.batching import Batched, PaddedBatches, Windows, unbatch
from fastrnn.data.sources.buckets import Buckets, Padding
from fastrnn.data.sources.rows import Rows
from fastrnn.data.sources.source import INFINITE, Source, Stream
from fastrnn.data.spec import in_form, to_dtype
from fastrnn.typing import Array, Nest

Function = Callable[..., Any]
Count = int | np.integer[Any] | np.ndarray[Any, Any]
AUTOTUNE = -1
_INTERLEAVED = 4  # data sets at once where it is left open


class Dataset(Collection):
    """Elements, gone over again and again: arrays, or tuples and dicts of arrays.

    ``fit``, ``evaluate``, ``predict`` and ``adapt`` take a data set of batches. Each method returns
    another data set; nothing is computed before somebody iterates. Arrays of elements have
    ``numpy()``. ``num_parallel_calls`` and ``deterministic`` are accepted, without an effect.

    >>> numbers = Dataset.range(7).shuffle(7, seed=1).batch(3, drop_remainder=True)
    >>> len(numbers), next(iter(numbers)).shape.as_list()
    (2, [3])
    """

    # ---- where elements come from ----

    @staticmethod
    def from_tensor_slices(tensors: Nest) -> Dataset:
        """Return the rows of arrays: element i has row i of each.

        Args:
            tensors: an array, or tuples and dicts of arrays with as many rows; a list is one array.

        Raises:
            ValueError: the numbers of rows differ, or a list holds entries of different lengths.

        >>> [(x.item(), y.item()) for x, y in Dataset.from_tensor_slices(([1, 2], [3, 4]))]
        [(1, 3), (2, 4)]
        """
        return Dataset(Rows(to_element(tensors)))

    @staticmethod
    def from_tensors(tensors: Nest) -> Dataset:
        """Return a data set of one element: the arrays as they are."""
        element = to_element(tensors)
        return Dataset(Stream(lambda: iter([element]), 1))

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Nest = None,
        output_shapes: Nest = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Nest = None,
    ) -> Dataset:
        """Return what a function gives that is called anew for each pass.

        Args:
            generator: a function that returns something to iterate over.
            output_types, output_signature: types of the arrays, or specs that have them, in the
                structure of an element; without them, arrays have the types that they come in.
            output_shapes: accepted.
            args: arrays that the function is called with.

        Raises:
            TypeError: ``generator`` is no function.

        >>> data = Dataset.from_generator(lambda: iter([1, 2]), output_types="float32")
        >>> [x.item() for x in data]
        [1.0, 2.0]
        """
        if not callable(generator):
            expected = "a function that returns an iterator: each pass calls it"
            raise TypeError(errors.bad_argument("generator", generator, expected))
        form = output_types if output_signature is None else output_signature
        given = [to_leaf(value) for value in args or ()]

        def start() -> Iterator[Element]:
            items = iter(generator(*given))
            return builtins.map(
                to_element if form is None else lambda item: in_form(item, form), items
            )

        return Dataset(Stream(start))

    @staticmethod
    def range(*args: int, output_type: Nest = "int64") -> Dataset:
        """Return numbers, as Python's ``range`` has them."""
        numbers = np.arange(*(to_count("args", value, None) for value in args))
        return Dataset(Rows(numbers.astype(to_dtype(output_type))))

    @staticmethod
    def list_files(
        file_pattern: str | Sequence[str], shuffle: bool | None = None, seed: int | None = None
    ) -> Dataset:
        """Return the paths that fit a pattern, or several, in a drawn order.

        Raises:
            ValueError: no file fits.
        """
        patterns = [str(pattern) for pattern in np.atleast_1d(file_pattern)]
        names = sorted({path for pattern in patterns for path in glob.glob(pattern)})
        if not names:
            raise ValueError(
                errors.bad_argument("file_pattern", file_pattern, "one that files fit")
            )
        files = Dataset.from_tensor_slices(names)
        return files if shuffle is False else files.shuffle(len(names), seed)

    @staticmethod
    def zip(*args: Any, datasets: Nest = None) -> Dataset:
        """Return the elements of data sets side by side, until the shortest ends.

        Args:
            *args: data sets; or one tuple or dict of them.
            datasets: the same.

        >>> a, b = Dataset.range(3), Dataset.range(5, 7)
        >>> [(int(x), int(y)) for x, y in Dataset.zip((a, b))]
        [(0, 5), (1, 6)]
        """
        given = args[0] if len(args) == 1 else args if datasets is None else datasets
        found: list[Source] = []

        def number(dataset: object) -> int:
            found.append(_source_of("datasets", dataset))
            return len(found) - 1

        structure = map_leaves(number, tuple(given) if isinstance(given, list) else given)
        return Dataset(sequencing.zipped(found, structure))

    # ---- which elements, and in which order ----

    def take(self, count: Count) -> Dataset:
        """Return the first elements, so many at most; -1 takes all."""
        n = to_count("count", count, -1)
        left = orders.taken(self._source.count(), n)
        return Dataset(sequencing.part(self._source, 0, None if n < 0 else n, 1, left))

    def skip(self, count: Count) -> Dataset:
        """Return the elements behind the first ones; -1 skips all."""
        n = to_count("count", count, -1)
        left = orders.skipped(self._source.count(), n)
        stop = 0 if n < 0 else None
        return Dataset(sequencing.part(self._source, max(n, 0), stop, 1, left))

    def shard(self, num_shards: Count, index: Count) -> Dataset:
        """Return every ``num_shards``-th element, from number ``index`` on."""
        shards, first = to_count("num_shards", num_shards, 1), to_count("index", index, 0)
        if first >= shards:
            raise ValueError(errors.bad_argument("index", first, f"less than num_shards={shards}"))
        left = orders.sharded(self._source.count(), shards, first)
        return Dataset(sequencing.part(self._source, first, None, shards, left))

    def shuffle(
        self,
        buffer_size: Count,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = True,
    ) -> Dataset:
        """Return the elements in a drawn order.

        Args:
            buffer_size: each element is drawn from so many; as many as there are for any order.
            seed: seed of the order.
            reshuffle_each_iteration: whether each pass draws anew.
        """
        count = self._source.count()
        size = to_count("buffer_size", buffer_size, INFINITE)
        if size == INFINITE:  # TensorFlow's "unknown": what there is
            size = max(count, 1)
        anew = reshuffle_each_iteration is None or bool(reshuffle_each_iteration)
        return Dataset(sequencing.shuffle(self._source, size, seed, anew))

    def repeat(self, count: Count | None = None) -> Dataset:
        """Return the elements so many times; ``None`` or -1 is for ever."""
        times = None if count is None else to_count("count", count, -1)
        return Dataset(sequencing.repeat(self._source, times))

    def concatenate(self, dataset: Dataset) -> Dataset:
        """Return the elements, and then those of another data set."""
        other = _source_of("dataset", dataset)
        return Dataset(sequencing.Concatenated(self._source, other))

    def cache(self, filename: str = "") -> Dataset:
        """Return elements that are kept in memory when they were all gone over once.

        Args:
            filename: accepted; nothing is written.
        """
        return Dataset(sequencing.cache(self._source))

    def prefetch(self, buffer_size: Count = AUTOTUNE) -> Dataset:
        """Return the elements; they are made when they are needed."""
        return self

    def enumerate(self, start: int = 0) -> Dataset:
        """Return ``(number, element)``, numbered from ``start`` on."""
        numbers = Stream(lambda: builtins.map(np.asarray, itertools.count(start)), INFINITE)
        return Dataset(sequencing.zipped([numbers, self._source], (0, 1)))

    # ---- batches ----

    def batch(
        self,
        batch_size: Count,
        drop_remainder: bool = False,
        num_parallel_calls: Nest = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """Return batches of so many elements, along a new first axis; the last may have fewer.

        Raises:
            ValueError: when elements of different shapes are met.
        """
        size = to_count("batch_size", batch_size, 1)
        return Dataset(Batched(self._source, size, bool(drop_remainder)))

    def padded_batch(
        self,
        batch_size: Count,
        padded_shapes: Nest = None,
        padding_values: Nest = None,
        drop_remainder: bool = False,
    ) -> Dataset:
        """Return batches of elements that are filled up at their ends.

        Args:
            batch_size: elements in a batch.
            padded_shapes: shapes in the structure of an element; ``None`` in them, or for all, is
                the longest in the batch.
            padding_values: what is filled in, in that structure or one for all; 0 and ``""``.
            drop_remainder: whether to leave out a smaller batch at the end.

        >>> ragged = Dataset.from_generator(lambda: iter([[1], [2, 3]]))
        >>> next(iter(ragged.padded_batch(2))).tolist()
        [[1, 0], [2, 3]]
        """
        size = to_count("batch_size", batch_size, 1)
        padding = (padded_shapes, padding_values)
        return Dataset(PaddedBatches(self._source, size, bool(drop_remainder), *padding))

    def bucket_by_sequence_length(
        self,
        element_length_func: Function,
        bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int],
        padded_shapes: Nest = None,
        padding_values: Nest = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
    ) -> Dataset:
        """Return padded batches of elements of similar lengths.

        Args:
            element_length_func: returns the length of an element.
            bucket_boundaries: a bucket has the lengths from one boundary to below the next.
            bucket_batch_sizes: batch size of each bucket, one more than there are boundaries.
            padded_shapes, padding_values: see ``padded_batch``.
            pad_to_bucket_boundary: whether to fill up to the boundary less 1.
            no_padding: whether not to fill up: lengths in a bucket are the same.
            drop_remainder: whether to leave out batches that do not get full.
        """
        padding = Padding(padded_shapes, padding_values, pad_to_bucket_boundary, no_padding)
        buckets = (element_length_func, bucket_boundaries, bucket_batch_sizes)
        return Dataset(Buckets(self._source, *buckets, padding, drop_remainder))

    def unbatch(self) -> Dataset:
        """Return the entries of elements along their first axis."""
        return Dataset(unbatch(self._source))

    def rebatch(self, batch_size: Count, drop_remainder: bool = False) -> Dataset:
        """Return the entries of batches in batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def window(
        self,
        size: Count,
        shift: Count | None = None,
        stride: Count | None = 1,
        drop_remainder: bool = False,
    ) -> Dataset:
        """Return data sets of elements that follow each other: windows.

        Args:
            size: elements in a window.
            shift: elements from the beginning of a window to that of the next; ``size``.
            stride: elements from one in a window to the next.
            drop_remainder: whether to leave out smaller windows at the end.

        >>> windows = Dataset.range(5).window(3, shift=1, drop_remainder=True)
        >>> [x.tolist() for x in windows.flat_map(lambda window: window.batch(3))]
        [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        """
        n = to_count("size", size, 1)
        by, step = (
            to_count("shift", n if shift is None else shift, 1),
            to_count("stride", stride, 1),
        )
        windows = Windows(self._source, n, by, step, bool(drop_remainder))

        def start() -> Iterator[Element]:
            return (map_leaves(_window, element) for element in windows)

        return Dataset(Stream(start, windows.count(), (self._source,)))

    # ---- functions on elements ----

    def map(
        self, map_func: Function, num_parallel_calls: Nest = None, deterministic: bool | None = None
    ) -> Dataset:
        """Return what a function returns for each element.

        Args:
            map_func: a function of the arrays of an element (of a dict, where it is one) that
                returns arrays in tuples and dicts, by NumPy or ``fastrnn.ops``.

        >>> pairs = Dataset.from_tensor_slices(([1, 2], [3, 4]))
        >>> [int(z) for z in pairs.map(lambda x, y: x * y)]
        [3, 8]
        """
        return Dataset(mapping.Mapped(self._source, map_func))

    def filter(self, predicate: Function) -> Dataset:
        """Return the elements for which a function is true."""
        return Dataset(mapping.filtered(self._source, predicate))

    def take_while(self, predicate: Function) -> Dataset:
        """Return the elements before the first for which a function is false."""
        return Dataset(mapping.taken_while(self._source, predicate))

    def flat_map(self, map_func: Function) -> Dataset:
        """Return the elements of the data sets that a function returns, one after the other."""
        return self.interleave(map_func, 1)

    def interleave(
        self,
        map_func: Function,
        cycle_length: Count | None = None,
        block_length: Count | None = None,
        num_parallel_calls: Nest = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """Return the elements of the data sets that a function returns, in turns.

        Args:
            map_func: returns a data set for an element.
            cycle_length: data sets at once, 4 unless given.
            block_length: elements of each in its turn, 1 unless given.
        """
        cycle = _INTERLEAVED if cycle_length in (None, AUTOTUNE) else cycle_length
        block = 1 if block_length is None else block_length

        def elements_of(element: Element) -> Source:
            return _source_of("map_func", call(map_func, element))

        sizes = to_count("cycle_length", cycle, 1), to_count("block_length", block, 1)
        return Dataset(mapping.interleaved(self._source, elements_of, *sizes))

    def scan(self, initial_state: Nest, scan_func: Function) -> Dataset:
        """Return the outputs of ``scan_func(state, element) -> (state, output)``."""
        return Dataset(mapping.scanned(self._source, initial_state, scan_func))


def _window(arrays: Array | list[Array]) -> Dataset:
    """Return the arrays of a window as a data set."""
    if isinstance(arrays, np.ndarray):
        return Dataset(Rows(arrays))
    return Dataset(Stream(arrays.__iter__, len(arrays)))


def _source_of(argument: str, value: object) -> Source:
    return _of(argument, value)._source


def _of(argument: str, value: object) -> Dataset:
    if not isinstance(value, Dataset):
        expected = "a fastrnn.data.Dataset"
        raise TypeError(errors.bad_argument(argument, type(value).__name__, expected))
    return value
