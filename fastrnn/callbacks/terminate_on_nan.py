"""TerminateOnNaN."""

from __future__ import annotations

import math

from fastrnn.callbacks.base import Callback, Logs


class TerminateOnNaN(Callback):
    """Ends training after a batch whose loss is no finite number.

    Args:
        raise_error: whether training ends with an error instead.

    Raises:
        RuntimeError: in training, with ``raise_error``.

    >>> from fastrnn.callbacks import TerminateOnNaN
    >>> TerminateOnNaN().raise_error
    False
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = bool(raise_error)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        message = f"NaN or Inf loss encountered: {loss} in batch {batch}. Training ends."
        if self.raise_error:
            raise RuntimeError(message)
        print(message)
        self.model.stop_training = True
