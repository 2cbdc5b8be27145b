"""`tf.distribute`: strategies that compute on the one CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NoReturn

from fastrnn.compat.tensorflow.names import attributes


class Strategy:
    """One replica, on the CPU.

    >>> with MirroredStrategy(["/gpu:0", "/gpu:1"]).scope() as strategy:
    ...     strategy.num_replicas_in_sync
    1
    """

    num_replicas_in_sync = 1

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    @contextlib.contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Change nothing in a block."""
        yield self

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Return what ``fn`` gives."""
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """Return ``value``: there is one replica."""
        return value

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """Return ``dataset``."""
        return dataset


MirroredStrategy = OneDeviceStrategy = MultiWorkerMirroredStrategy = TPUStrategy = Strategy


def get_strategy() -> Strategy:
    """Return the strategy that there is."""
    return Strategy()


def _no_tpu(*args: Any, **options: Any) -> NoReturn:
    raise ValueError("There is no TPU: fastrnn computes on the CPU.")


cluster_resolver = SimpleNamespace(TPUClusterResolver=_no_tpu)
experimental = SimpleNamespace(
    TPUStrategy=Strategy, CentralStorageStrategy=Strategy, MultiWorkerMirroredStrategy=Strategy
)
ReduceOp = SimpleNamespace(SUM="SUM", MEAN="MEAN")
__getattr__, __dir__ = attributes("distribute", {}, {})
