"""SwapEMAWeights."""

from __future__ import annotations

from fastrnn.callbacks.base import Callback, Logs
from fastrnn.core import errors


class SwapEMAWeights(Callback):
    """Evaluates and predicts with the optimizer's averages in the place of the weights.

    Args:
        swap_on_epoch: whether they are there between epochs too, for callbacks behind this one,
            such as ``ModelCheckpoint``.

    Raises:
        ValueError: in use, if the optimizer was made without ``use_ema``, or has not updated yet.

    >>> from fastrnn.callbacks import SwapEMAWeights
    >>> SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
    True
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = bool(swap_on_epoch)
        self._swapped = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Put the weights back."""
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Put the averages in."""
        if not self.swap_on_epoch:
            return
        self._swap(True)
        last = epoch == self.params.get("epochs", 0) - 1
        if last or self.model.stop_training:
            # `fit` ends by putting the averages in the place of the weights, where they are now.
            for variable, average in self.model.optimizer.averages():
                average.assign(variable)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Put the averages in."""
        self._swap(True)

    def on_test_end(self, logs: Logs = None) -> None:
        """Put the weights back."""
        self._swap(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Put the averages in."""
        self._swap(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        """Put the weights back."""
        self._swap(False)

    def _swap(self, averages: bool) -> None:
        """Change weights and averages, if the averages are not where they should be."""
        if self._swapped == averages:
            return
        pairs = self.model.optimizer.averages()
        if not pairs:
            name = type(self.model.optimizer).__name__
            expected = "one with `use_ema=True` that has updated the weights"
            remedy = "SwapEMAWeights must be used when `use_ema=True` is set."
            raise ValueError(errors.bad_argument("optimizer", name, expected, remedy))
        for variable, average in pairs:
            kept = variable.numpy()
            variable.assign(average)
            average.assign(kept)
        self._swapped = averages
