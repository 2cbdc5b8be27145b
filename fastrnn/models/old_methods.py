"""Old methods of models: those of Keras 1 and 2 that others do today."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Protocol

import numpy as np

from fastrnn.callbacks import Callback, History
from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.core.nest import flatten
from fastrnn.core.old_keywords import takes_old_keywords
from fastrnn.core.user_warnings import deprecated
from fastrnn.typing import Array, Nest

# Batches that a script makes: a generator, or an object with a length.
BatchSource = Iterable[Any]
Callbacks = Callback | Sequence[Callback] | None


class _Model(Protocol):
    def fit(self, x: Nest, *args: Any, **kwargs: Any) -> History: ...

    def evaluate(self, x: Nest, *args: Any, **kwargs: Any) -> Any: ...

    def predict(self, x: Nest, *args: Any, **kwargs: Any) -> Any: ...


@takes_old_keywords
def fit_generator(
    self: _Model,
    generator: BatchSource,
    steps_per_epoch: int | None = None,
    epochs: int = 1,
    verbose: int | str = 1,
    callbacks: Callbacks = None,
    validation_data: Nest = None,
    validation_steps: int | None = None,
    validation_freq: int = 1,
    class_weight: dict[int, float] | None = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: bool = True,
    initial_epoch: int = 0,
    samples_per_epoch: int | None = None,
    nb_val_samples: int | None = None,
) -> History:
    """Train on batches of a generator: today ``fit`` does it.

    Args:
        samples_per_epoch, nb_val_samples: of Keras 1, numbers of samples, in place of the steps.
        max_queue_size, workers, use_multiprocessing: without effect.
        generator, steps_per_epoch, epochs, verbose, callbacks, validation_data, validation_steps,
            validation_freq, class_weight, shuffle, initial_epoch: see ``fit``.
    """
    deprecated("model.fit_generator(generator)", "model.fit(generator)")
    generator, steps = _in_steps("samples_per_epoch", generator, samples_per_epoch, steps_per_epoch)
    if nb_val_samples is not None:
        validation_data, validation_steps = _in_steps(
            "nb_val_samples", validation_data, nb_val_samples, validation_steps
        )
    return self.fit(
        generator,
        steps_per_epoch=steps,
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        validation_steps=validation_steps,
        validation_freq=validation_freq,
        class_weight=class_weight,
        shuffle=shuffle,
        initial_epoch=initial_epoch,
    )


@takes_old_keywords
def evaluate_generator(
    self: _Model,
    generator: BatchSource,
    steps: int | None = None,
    callbacks: Callbacks = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
    val_samples: int | None = None,
) -> Any:
    """Evaluate on batches of a generator: today ``evaluate`` does it.

    Args:
        val_samples: of Keras 1, the number of samples, in place of the steps.
        max_queue_size, workers, use_multiprocessing: without effect.
        generator, steps, callbacks, verbose: see ``evaluate``.
    """
    deprecated("model.evaluate_generator(generator)", "model.evaluate(generator)")
    generator, steps = _in_steps("val_samples", generator, val_samples, steps)
    return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)


@takes_old_keywords
def predict_generator(
    self: _Model,
    generator: BatchSource,
    steps: int | None = None,
    callbacks: Callbacks = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
    val_samples: int | None = None,
) -> Any:
    """Return the outputs for batches of a generator: today ``predict`` does it.

    Args:
        val_samples: of Keras 1, the number of samples, in place of the steps.
        max_queue_size, workers, use_multiprocessing: without effect.
        generator, steps, callbacks, verbose: see ``predict``.
    """
    deprecated("model.predict_generator(generator)", "model.predict(generator)")
    generator, steps = _in_steps("val_samples", generator, val_samples, steps)
    return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)


def predict_classes(
    self: _Model, x: Nest, batch_size: int | None = None, verbose: int | str = 0
) -> Array:
    """Return the class of each sample: the largest output, or whether a sole one is above 0.5.

    Args are those of ``predict``.
    """
    today = "(model.predict(x) > 0.5).astype(int)` or `model.predict(x).argmax(-1)"
    deprecated("model.predict_classes(x)", today)
    outputs = self.predict(x, batch_size=batch_size, verbose=verbose)
    if not isinstance(outputs, np.ndarray):
        raise ValueError(errors.bad_argument("x", "several outputs", "a model of one output"))
    if outputs.shape[-1] > 1:
        return outputs.argmax(axis=-1)
    return (outputs > 0.5).astype("int32")


def predict_proba(
    self: _Model, x: Nest, batch_size: int | None = None, verbose: int | str = 0
) -> Any:
    """Return the outputs: another name of ``predict``, with its arguments."""
    deprecated("model.predict_proba(x)", "model.predict(x)")
    return self.predict(x, batch_size=batch_size, verbose=verbose)


def _in_steps(
    argument: str, batches: Nest, samples: int | None, steps: int | None
) -> tuple[Any, int | None]:
    """Return the batches, and in how many of them there are so many samples.

    The first batch of a generator tells the size of all.
    """
    if samples is None:
        return batches, steps
    samples = to_positive_int(argument, samples)
    if not isinstance(batches, Iterator):
        return batches, len(batches) if isinstance(batches, Sized) else steps
    first = next(batches)
    size = len(flatten(first)[0])
    return itertools.chain([first], batches), -(-samples // size)


def to_yaml(self: _Model, **kwargs: Any) -> str:
    """Refuse, as Keras does since 2.6: YAML can hold code.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("`to_yaml` is not there: YAML can hold code. Use `model.to_json()`.")
