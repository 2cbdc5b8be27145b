"""PyDataset: batches by their number, made when they are needed."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from fastrnn.core.checks import to_int, to_positive_int


class PyDataset:
    """Base class of data that come in batches, for ``fit``, ``evaluate`` and ``predict``.

    A subclass implements ``__getitem__(self, index)``, which returns the batch ``x``, ``(x, y)`` or
    ``(x, y, sample_weight)``, and ``__len__``, the number of batches; or the property
    ``num_batches``, ``None`` where they never end: then say how many an epoch has. ``fit`` takes
    the batches in an order that it draws for each epoch, unless ``shuffle=False``.

    With several workers, so many threads make batches ahead, ``max_queue_size`` at most: that
    helps where ``__getitem__`` waits for files, or computes in NumPy. Their order, and so what is
    learned, stays the same; ``__getitem__`` must be fit to be called by several threads at once.

    Args:
        workers: number of threads that make batches; 0 or 1 is the thread that trains.
        use_multiprocessing: accepted; workers are threads all the same.
        max_queue_size: number of batches made ahead.

    Raises:
        ValueError: an argument is no such number.

    >>> import numpy as np
    >>> import fastrnn
    >>> class Ramps(fastrnn.utils.PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def __getitem__(self, index):
    ...         return np.full((2, 5, 1), index), np.full((2, 1), index)
    >>> model = fastrnn.Sequential([fastrnn.Input((5, 1)), fastrnn.layers.GRU(1)])
    >>> model.predict(Ramps(workers=2), verbose=0).shape
    (6, 1)
    """

    # Also where a subclass does not call `super().__init__`.
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = to_positive_int("workers", max(to_int("workers", workers), 1))
        self.use_multiprocessing = bool(use_multiprocessing)
        self.max_queue_size = to_positive_int("max_queue_size", max_queue_size)

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not implement `__getitem__`.")

    @property
    def num_batches(self) -> int | None:
        """Number of batches; ``None`` where they never end."""
        if not hasattr(self, "__len__"):
            name = type(self).__name__
            raise NotImplementedError(f"{name} implements neither `__len__` nor `num_batches`.")
        return len(self)

    def on_epoch_begin(self) -> None:
        """Before the first batch of each epoch."""

    def on_epoch_end(self) -> None:
        """After the last batch of each epoch."""

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]


def read(dataset: PyDataset, order: Iterable[int]) -> Iterator[Any]:
    """Yield the batches of these numbers, in this order; the workers make them ahead."""
    if dataset.workers <= 1:
        for index in order:
            yield dataset[index]
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    ahead: collections.deque[Future[Any]] = collections.deque()
    with ThreadPoolExecutor(dataset.workers) as pool:
        try:
            for index in order:
                ahead.append(pool.submit(dataset.__getitem__, index))
                if len(ahead) >= dataset.max_queue_size:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for batch in ahead:
                batch.cancel()
