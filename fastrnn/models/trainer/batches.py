"""Data for training loops: arrays cut into batches, or anything that gives batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeGuard

import numpy as np

from fastrnn.core import errors, random
from fastrnn.core.checks import to_positive_int, to_real_array
from fastrnn.core.nest import flatten, is_node
from fastrnn.models.trainer.packing import unpack_x_y_sample_weight
from fastrnn.models.trainer.py_dataset import PyDataset, read
from fastrnn.typing import Array, Nest

Batch = tuple[Any, Any, Any]  # x, y, sample_weight; None where there is none


def each(function: Callable[[Any], Any], value: Nest) -> Any:
    """Apply ``function`` to an array, or to each one in a list or dict; ``None`` stays."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: each(function, entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [each(function, entry) for entry in value]
    return function(value)


def arrays_in(value: Nest) -> list[Any]:
    """Return the arrays of an array, or of lists, tuples and dicts of arrays."""
    return flatten(value)


def count_samples(value: Nest) -> int:
    """Return the number of samples of an array, or of the first one in a list or dict."""
    return len(arrays_in(value)[0])


class _Told:
    """What is told when an epoch begins and ends."""

    def on_epoch_begin(self) -> None:
        """Before the first batch of an epoch."""

    def on_epoch_end(self) -> None:
        """After the last batch of an epoch."""


class ArrayBatches(_Told):
    """Batches of arrays, in order or shuffled anew at each iteration.

    Args:
        x: inputs, as the model takes them: an array, or a list or dict of arrays.
        y: labels, likewise, or ``None``.
        sample_weight: weights, likewise, or ``None``.
        batch_size: samples in a batch; the last one may have fewer.
        shuffle: whether to draw the order of the samples.

    Attributes:
        generator: what the order is drawn from, or ``None``.
    """

    def __init__(
        self, x: Nest, y: Nest, sample_weight: Nest, batch_size: int, shuffle: bool
    ) -> None:
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.batch_size, self.shuffle = batch_size, shuffle
        self.generator = random.generator() if shuffle else None

    def __len__(self) -> int:
        return math.ceil(self.samples / self.batch_size)

    @property
    def samples(self) -> int:
        """Number of samples."""
        return count_samples(self.x)

    def part(self, rows: slice | Array) -> Batch:
        """Return x, y and sample_weight of some rows."""
        x, y, w = (each(lambda a: a[rows], v) for v in (self.x, self.y, self.sample_weight))
        return x, y, w

    def __iter__(self) -> Iterator[Batch]:
        n = self.samples
        order = None if self.generator is None else self.generator.permutation(n)
        for start in range(0, n, self.batch_size):
            rows: slice | Array = slice(start, start + self.batch_size)
            if order is not None:
                rows = order[rows]
            yield self.part(rows)


class IterableBatches(_Told):
    """Batches from an object that gives ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.

    Attributes:
        weigh: gets the parts of each batch as the source gives them, and returns others.
        check: the same, behind it; ``None`` takes the batches as they are.
    """

    def __init__(self, source: Iterable[Any]) -> None:
        self.source: Any = source
        self.weigh: Callable[..., Batch] | None = None
        self.check: Callable[..., Batch] | None = None

    @property
    def generator(self) -> np.random.Generator | None:
        """What the source draws its order from, if it has such an attribute."""
        return random.generator_of(self.source)

    def __len__(self) -> int:
        return len(self.source)

    def items(self) -> Iterator[Any]:
        """Yield the batches as the source gives them."""
        return iter(self.source)

    def __iter__(self) -> Iterator[Batch]:
        for item in self.items():
            batch = self._unpack(item)
            yield batch if self.check is None else self.check(*batch)

    def _unpack(self, item: Nest) -> Batch:
        batch = unpack_x_y_sample_weight(item)
        return batch if self.weigh is None else self.weigh(*batch)

    def peek(self) -> Batch:
        """Return the first batch; it stays the first, also where the source runs only once.

        Raises:
            ValueError: there is none.
        """
        stream = iter(self.source)
        try:
            first = next(stream)
        except StopIteration:
            expected = "at least one batch"
            raise ValueError(errors.bad_argument("x", "no batch", expected)) from None
        if stream is self.source:
            self.source = itertools.chain([first], stream)
        return self._unpack(first)


class DatasetBatches(IterableBatches):
    """Batches of a ``PyDataset``, in order or shuffled anew at each iteration."""

    def __init__(self, source: PyDataset, shuffle: bool) -> None:
        super().__init__(source)
        self._order = random.generator() if shuffle else None

    @property
    def generator(self) -> np.random.Generator | None:
        """What the order is drawn from, or ``None``."""
        return self._order

    def __len__(self) -> int:
        count: int | None = self.source.num_batches
        if count is None:
            raise TypeError("The batches never end.")
        return count

    def on_epoch_begin(self) -> None:
        """Tell the data."""
        self.source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tell the data."""
        self.source.on_epoch_end()

    def items(self) -> Iterator[Any]:
        """Yield the batches that the workers have made."""
        count = self.source.num_batches
        order: Iterable[int] = itertools.count() if count is None else range(count)
        if self._order is not None and count is not None:
            order = self._order.permutation(count).tolist()
        return read(self.source, order)


Batches = ArrayBatches | IterableBatches


def known_length(batches: Iterable[Any]) -> int | None:
    """Return the number of batches, or ``None`` where it is not known."""
    try:
        return len(batches)  # type: ignore[arg-type]
    except TypeError:
        return None


def make_batches(
    x: Nest,
    y: Nest,
    sample_weight: Nest,
    batch_size: int | None,
    shuffle: bool,
    convert_inputs: Callable[[Any], Any],
) -> Batches:
    """Return the data as batches, after checking types and lengths.

    Raises:
        ValueError: arrays of different lengths, empty ones, or no numbers; ``y`` beside an object
            that gives batches.
    """
    if _gives_batches(x):
        for name, value in {"y": y, "sample_weight": sample_weight}.items():
            if value is not None:
                expected = "None: `x` gives batches that hold it"
                raise ValueError(errors.bad_argument(name, type(value).__name__, expected))
        if isinstance(x, PyDataset):
            return DatasetBatches(x, shuffle)
        return IterableBatches(x)
    size = 32 if batch_size is None else to_positive_int("batch_size", batch_size)
    return _array_batches(convert_inputs(x), y, sample_weight, size, shuffle)


def whole_batch(
    x: Nest, y: Nest, sample_weight: Nest, convert_inputs: Callable[[Any], Any]
) -> ArrayBatches:
    """Return arrays as one batch, after checking types and lengths."""
    inputs = convert_inputs(x)
    size = max(count_samples(inputs), 1) if all(a.ndim for a in arrays_in(inputs)) else 1
    return _array_batches(inputs, y, sample_weight, size, False)


def _array_batches(
    inputs: Nest, y: Nest, sample_weight: Nest, size: int, shuffle: bool
) -> ArrayBatches:
    """Return batches of arrays that have been converted."""
    each(_require_samples, inputs)
    samples = count_samples(inputs)
    labels = to_labels("y", y, samples, "x")
    weights = to_labels("sample_weight", sample_weight, samples, "x")
    return ArrayBatches(inputs, labels, weights, size, shuffle)


def _require_samples(array: Array) -> None:
    if array.ndim == 0:
        raise ValueError(errors.bad_shape("x", array.shape, "(samples, …)"))


def to_labels(name: str, value: Nest, samples: int, argument: str) -> Any:
    """Return labels or sample weights as an array, or a list or dict of arrays, one an output.

    Raises:
        ValueError: one is no array of numbers, or has another number of samples.
    """

    def fits(array: Array) -> bool:
        return array.ndim > 0 and len(array) == samples

    if isinstance(value, dict):
        return {key: to_labels(name, entry, samples, argument) for key, entry in value.items()}
    if isinstance(value, (list, tuple)) and _are_arrays(value, fits):
        return [to_labels(name, entry, samples, argument) for entry in value]
    if value is None:
        return None
    array = to_real_array(name, sole_array(value, fits))
    check_length(name, array, samples, argument)
    return array


def _are_arrays(entries: Sequence[Any], fits: Callable[[Array], bool]) -> bool:
    """Whether a list holds the arrays of several outputs, or of a structure of them."""
    arrays = flatten(entries)
    nested = any(isinstance(entry, dict) for entry in entries)
    known = all(a is None or (isinstance(a, np.ndarray) and fits(a)) for a in arrays)
    return known and (nested or len(arrays) > 1)


def sole_array(value: Nest, fits: Callable[[Array], bool]) -> Any:
    """Return the array in a list of one that ``fits``, anything else as it is.

    Scripts may list the arrays of a model's inputs and outputs; here there is one of each. A list
    of one sample is no such list.
    """
    if isinstance(value, (list, tuple)) and len(value) == 1:
        entry = value[0]
        return entry if isinstance(entry, np.ndarray) and fits(entry) else value
    return value


def check_length(name: str, array: Array, samples: int, argument: str) -> None:
    """Raise ``ValueError`` if ``array`` has another number of samples than ``argument``."""
    if array.ndim == 0 or len(array) != samples:
        expected = f"as many samples as `{argument}`, {samples}"
        raise ValueError(errors.bad_shape(name, array.shape, expected))


def _gives_batches(x: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(x, PyDataset) or (
        not isinstance(x, (np.ndarray, list, tuple, str, bytes, dict))
        and not hasattr(x, "__array__")
        and hasattr(x, "__iter__")
    )


def split(batches: ArrayBatches, fraction: float) -> tuple[ArrayBatches, ArrayBatches]:
    """Return the first and the last part, ``fraction`` of the samples in the last.

    Raises:
        ValueError: a part would be empty.
    """
    if isinstance(fraction, bool) or not 0 < fraction < 1:
        raise ValueError(errors.bad_argument("validation_split", fraction, "a number from 0 to 1"))
    n = batches.samples
    at = math.floor(n * (1 - fraction))
    if at in (0, n):
        expected = f"a fraction that leaves samples on both sides of {n}"
        raise ValueError(errors.bad_argument("validation_split", fraction, expected))

    def part(rows: slice, shuffle: bool) -> ArrayBatches:
        return ArrayBatches(*batches.part(rows), batches.batch_size, shuffle)

    return part(slice(0, at), batches.shuffle), part(slice(at, n), False)


def class_weights_to_sample_weights(
    labels: Nest, class_weight: dict[int, float], rank: int | None = None
) -> Array:
    """Return a weight for each sample or step, by its label; 1 for labels not in the dict.

    Args:
        labels: (batch,), (batch, 1) or one-hot (batch, classes), for outputs of each step also
            (batch, timesteps), (batch, timesteps, 1) or (batch, timesteps, classes).
        class_weight: the weights by label.
        rank: that of the model's output, ``None`` where it is not known.

    Raises:
        ValueError: there are several arrays of labels, or more axes, or a weight is no number.
    """
    if not isinstance(class_weight, dict):
        raise ValueError(errors.bad_argument("class_weight", class_weight, "a dict"))
    arrays = flatten(labels) if is_node(labels) else []
    if len(arrays) > 1 and any(isinstance(array, np.ndarray) and array.ndim for array in arrays):
        expected = "labels of one output, with `class_weight`"
        remedy = "For several outputs, pass a list of `sample_weight`."
        raise ValueError(errors.bad_argument("y", f"{len(arrays)} arrays", expected, remedy))
    y = to_real_array("y", arrays[0] if len(arrays) == 1 else labels)
    if y.ndim > 3:
        expected = "one label a sample or a step, with `class_weight`"
        raise ValueError(errors.bad_shape("y", y.shape, expected))
    of_steps = y.ndim == 3 or (y.ndim == 2 and rank == 3)
    if y.ndim - of_steps == 2:
        y = y.argmax(axis=-1) if y.shape[-1] > 1 else y[..., 0]
    labels = np.round(y).astype(np.int64)
    weights = np.ones(y.shape, np.float32)
    for label, weight in class_weight.items():
        try:
            weights[labels == int(label)] = float(weight)
        except (TypeError, ValueError):
            expected = "labels and weights that are numbers"
            raise ValueError(
                errors.bad_argument("class_weight", {label: weight}, expected)
            ) from None
    return weights
