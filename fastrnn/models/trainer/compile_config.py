"""Compile config: what a model was compiled with, as plain data, and back."""

from __future__ import annotations

import warnings
from typing import Any

from fastrnn import losses, metrics, optimizers
from fastrnn.core.deserialization import deserialize
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.models.trainer.objective import as_list, is_crossentropy, make_metric
from fastrnn.models.trainer.trainable import Trainable
from fastrnn.typing import Config, Nest

_LOSSES = ("loss",)
_METRICS = ("metrics", "weighted_metrics")
# Accepted by `compile` without effect; written as Keras expects them.
_WITHOUT_EFFECT = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}
# Arrays of a metric are as long as its configuration says.
_MOST = {"num_thresholds": 10_000, "num_classes": 2_000}


def get_compile_config(self: Trainable) -> Config | None:
    """Return the arguments of ``compile``, for ``compile_from_config``; ``None`` before it.

    Also ``None``, with a warning, where one of them cannot be described.
    """
    if not self.compiled:
        return None
    arguments = {"optimizer": self.optimizer, **self.objectives.chosen, **_WITHOUT_EFFECT}
    try:
        return {name: serialize_keras_object(value) for name, value in arguments.items()}
    except (TypeError, ValueError) as error:
        message = f"The description of {self.name!r} leaves out how it is compiled: {error}"
        warnings.warn(message, UserWarning, stacklevel=2)
        return None


def compile_from_config(self: Trainable, config: Config) -> None:
    """Compile with what ``get_compile_config`` returned.

    What of it is not known is left out, with a warning.

    Without its optimizer a model is not compiled.
    """
    arguments: dict[str, Any] = {"loss_weights": config.get("loss_weights")}
    parts = {"optimizer": optimizers.registry}
    parts |= dict.fromkeys(_LOSSES, losses.registry) | dict.fromkeys(_METRICS, metrics.registry)
    for name, table in parts.items():
        try:
            _check_sizes(config.get(name))
            arguments[name] = deserialize(config.get(name), table)
            _check_known(name, arguments[name])
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            arguments[name] = None
            _warn(f"`{name}` of the model is left out: {error}")
    if arguments["optimizer"] is None:
        return
    try:
        self.compile(**arguments)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        _warn(f"The model is not compiled: {error}")


def _check_known(name: str, value: Nest) -> None:
    """Raise ``ValueError`` if ``compile`` would not take one of its arguments."""
    if name == "optimizer":
        optimizers.get(value)
        return
    for identifier in as_list(value):
        if name in _METRICS:
            make_metric(identifier, (1, 1), (1, 1))
        elif not is_crossentropy(identifier):
            losses.get(identifier)


def _check_sizes(value: Nest) -> None:
    """Raise ``ValueError`` if a metric in a description would have too large arrays."""
    if isinstance(value, dict):
        for key, most in _MOST.items():
            count = value.get(key)
            if isinstance(count, (int, float)) and count > most:
                raise ValueError(f"`{key}` is more than {most}")
        value = list(value.values())
    for entry in value if isinstance(value, list) else []:
        _check_sizes(entry)


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=3)
