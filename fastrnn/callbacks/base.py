"""Callback, the lists of them, and those that every ``fit`` may use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from fastrnn.callbacks.old_logs import Curves
from fastrnn.core import errors
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Array, ArrayLike

Logs = dict[str, Any] | None

_HOOKS = (
    *(f"on_{phase}_{edge}" for phase in ("train", "test", "predict") for edge in ("begin", "end")),
    "on_epoch_begin",
    "on_epoch_end",
    *(
        f"on_{phase}_batch_{edge}"
        for phase in ("train", "test", "predict")
        for edge in ("begin", "end")
    ),
)


class WatchedModel(Protocol):
    """A model, as callbacks see it."""

    stop_training: bool
    optimizer: Optimizer | None

    @property
    def metrics(self) -> list[Any]:
        """The tracker of the loss, and the metrics."""
        ...

    def get_weights(self) -> list[Array]:
        """Return copies of all weights."""
        ...

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Overwrite all weights."""
        ...

    def save(self, filepath: str, overwrite: bool = True) -> None:
        """Write the whole model to a file."""
        ...

    def save_weights(self, filepath: str, overwrite: bool = True) -> None:
        """Write the weights to a file."""
        ...


class Callback:
    """Base class: subclass it and override the hooks you need.

    Attributes:
        model: the model that is trained. Set ``model.stop_training = True`` to end training.
        params: ``verbose``, ``epochs`` and ``steps``.
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.model: Any = None  # a WatchedModel, once training begins

    def set_params(self, params: dict[str, Any]) -> None:
        """Store ``params``."""
        self.params = params

    def set_model(self, model: WatchedModel) -> None:
        """Store ``model``."""
        self.model = model

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before training."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After training; ``logs`` are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch and its validation; ``logs`` hold the loss and all metrics."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a training batch; the older name."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a training batch; the older name."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a training batch, counted from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a training batch; ``logs`` hold the means of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before an evaluation, validation included."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of a prediction; ``logs`` hold its ``outputs``."""


class LambdaCallback(Callback):
    """A callback from functions: ``on_epoch_end=…`` and so on, under the names of the hooks.

    What has another name becomes an attribute that nothing calls, as in Keras.

    Raises:
        ValueError: a name begins as those of hooks do, and none has it.
        TypeError: what is given for a hook is no function.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        known = (*_HOOKS, "on_batch_begin", "on_batch_end")  # the older names of two
        for name, function in functions.items():
            if name not in known and name.startswith("on_"):
                raise ValueError(errors.not_one_of("kwargs", name, known))
            if function is None:
                continue
            if name in known and not callable(function):
                raise TypeError(errors.bad_argument(name, function, "a function"))
            setattr(self, name, function)


class History(Callback):
    """Collects the logs of each epoch; ``fit`` returns it.

    Attributes:
        epoch: numbers of the epochs, from 0.
        history: a list of values for each of ``loss``, the metrics, and the same with ``val_``;
            ``history["acc"]`` finds ``accuracy`` and the like.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = Curves()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Start a new list of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Append the logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class CallbackList(Callback):
    """Hands each hook on to several callbacks, in order; ``logs`` as a dict sorted by name."""

    def __init__(
        self,
        callbacks: Iterable[Callback] | Callback | None,
        model: WatchedModel,
        params: dict[str, Any],
    ) -> None:
        super().__init__()
        if callbacks is None:
            callbacks = []
        elif isinstance(callbacks, Callback):
            callbacks = [callbacks]
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                remedy = "Pass an object, not its class."
                raise TypeError(
                    errors.bad_argument("callbacks", callback, "Callback objects", remedy)
                )
            callback.set_model(model)
            callback.set_params(params)

    def find(self, kind: type[Callback]) -> Any:
        """Return the last callback of this class, or ``None``."""
        return next((c for c in reversed(self.callbacks) if isinstance(c, kind)), None)


def _hand_on(name: str) -> Callable[..., None]:
    takes_index = "epoch" in name or "batch" in name

    def hook(self: CallbackList, *args: Any) -> None:
        index, given = args[:takes_index], args[takes_index:]
        logs = dict(sorted(given[0].items())) if given and given[0] else {}
        for callback in self.callbacks:
            getattr(callback, name)(*index, logs)

    hook.__name__, hook.__doc__ = name, f"Call ``{name}`` of all callbacks."
    return hook


for _name in _HOOKS:
    setattr(CallbackList, _name, _hand_on(_name))
