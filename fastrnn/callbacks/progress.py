"""ProgbarLogger."""

from __future__ import annotations

from fastrnn.callbacks.base import Callback, Logs
from fastrnn.core.progress import Progress, is_terminal


class ProgbarLogger(Callback):
    """Prints progress: a bar in a terminal, or one plain line an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self._progress: Progress | None = None
        self._steps = 0
        self._training = False

    def on_train_begin(self, logs: Logs = None) -> None:
        """Take note that what is evaluated from now on is validation."""
        self._training = True

    def on_train_end(self, logs: Logs = None) -> None:
        """Take note that training is over."""
        self._training = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Begin a bar."""
        title = f"Epoch {epoch + 1}/{self.params.get('epochs', 1)}"
        self._begin(title)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Move the bar."""
        self._move(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Finish the bar."""
        self._finish(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Begin a bar, unless this is the validation inside an epoch."""
        if not self._training:
            self._begin("")

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Move the bar."""
        if not self._training:
            self._move(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        """Finish the bar."""
        if not self._training:
            self._finish(logs)

    on_predict_begin = on_test_begin
    on_predict_end = on_test_end

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Move the bar."""
        self._move(batch, None)

    def _begin(self, title: str) -> None:
        live = self.params.get("verbose") == 1 and is_terminal()
        self._progress = Progress(self.params.get("steps"), title, live)
        self._steps = 0

    def _move(self, batch: int, logs: Logs) -> None:
        self._steps = batch + 1
        if self._progress is not None:
            self._progress.update(self._steps, logs or {})

    def _finish(self, logs: Logs) -> None:
        if self._progress is not None:
            self._progress.finish(self._steps, logs or {})
        self._progress = None
