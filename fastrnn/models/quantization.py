"""Models with quantized weights, and what that does to their results."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.layers.base.layer import Layer, iterate_layers
from fastrnn.layers.rnn.quantize import QuantizableLayer, prepare_cells
from fastrnn.models.trainer.batches import arrays_in
from fastrnn.models.trainer.packing import unpack_x_y_sample_weight
from fastrnn.typing import Nest

# A regular expression or a list of them, for names of layers; or a function of a layer.
LayerFilter = str | Sequence[str] | Callable[[Layer], bool] | None


@dataclass(frozen=True)
class QuantizationReport:
    """How far the outputs of a model moved when it was quantized, on one batch of data.

    Attributes:
        mode: ``"int8"`` or ``"bf16"``.
        layers: names of the layers that were quantized.
        max_difference: the largest absolute difference of two outputs.
        mean_difference: the mean absolute difference.
        before: loss and metrics before, by name, where labels were given.
        after: the same, afterwards.
    """

    mode: str
    layers: tuple[str, ...]
    max_difference: float
    mean_difference: float
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"Quantized to {self.mode}: {', '.join(self.layers)}",
            f"outputs moved by at most {self.max_difference:.3g}, "
            f"{self.mean_difference:.3g} in the mean",
        ]
        for name, value in self.before.items():
            change = self.after[name] - value
            lines.append(f"{name}: {value:.4g} -> {self.after[name]:.4g} ({change:+.2g})")
        return "\n".join(lines)


def quantize(
    self: Any,
    mode: str | None = None,
    config: None = None,
    filters: LayerFilter = None,
    validation_data: Nest = None,
) -> QuantizationReport | None:
    """Compute the recurrent layers with quantized weights from now on, in inference alone.

    SimpleRNN, LSTM, GRU and RNN, inside Bidirectional and other models too; other layers stay
    as they are. So do ``get_weights``, saved files and configurations: the weights of a
    quantized layer are kept, but cannot be changed, and ``fit`` raises ``ValueError``.

    Args:
        mode: ``"int8"``, weights and what they multiply in 8 bits; or ``"bf16"``, weights in
            16 bits.
        config: for Keras's configurations of quantizers; only ``None`` is possible.
        filters: a regular expression or a list of them, which the names of layers are searched
            for, or a function of a layer; other layers are left out.
        validation_data: (x, y[, sample_weight]), (x,) or an array x, on which the model is
            measured before and after; the states of stateful layers are reset.

    Returns:
        What the measurement gave, which is also printed; ``None`` without
        ``validation_data``.

    Raises:
        ValueError: another mode, no recurrent layer to quantize, or one that is not built,
            quantized already, not of float32 or has weights that are not finite; labels
            without a loss; data that do not fit. Nothing is changed then.

    >>> import numpy as np
    >>> from fastrnn import Input, Sequential
    >>> from fastrnn.layers import GRU, Dense
    >>> model = Sequential([Input((20, 3)), GRU(8, seed=1), Dense(1)])
    >>> report = model.quantize("int8", validation_data=np.zeros((4, 20, 3)))
    Quantized to int8: gru
    outputs moved by at most 0, 0 in the mean
    """
    if config is not None:
        raise ValueError(errors.bad_argument("config", config, "None", "Give a `mode`."))
    layers = [
        layer
        for layer in iterate_layers(self)
        if isinstance(layer, QuantizableLayer) and _passes(layer, filters)
    ]
    if not layers:
        expected = "a model with a recurrent layer that passes `filters`"
        raise ValueError(errors.bad_argument("filters", filters, expected))
    cells = [cell for layer in layers for cell in layer.quantizable_cells]
    use = prepare_cells(cells, mode)
    if validation_data is None:
        use()
        return None
    outputs, before = _measure(self, validation_data)
    use()
    moved, after = _measure(self, validation_data)
    differences = np.concatenate(
        [np.abs(a - b).ravel() for a, b in zip(moved, outputs, strict=True)]
    )
    names = tuple(dict.fromkeys(layer.name for layer in layers))
    report = QuantizationReport(
        str(mode), names, float(differences.max()), float(differences.mean()), before, after
    )
    print(report)
    return report


def require_trainable(layers: Sequence[Layer]) -> None:
    """Raise ``ValueError`` if one of the layers, or a layer inside one, is quantized."""
    for layer in (inner for outer in layers for inner in iterate_layers(outer)):
        mode = getattr(layer, "quantization_mode", None)
        if mode is not None:
            raise ValueError(errors.for_inference_alone(layer.name, mode))


def _passes(layer: Layer, filters: LayerFilter) -> bool:
    if filters is None:
        return True
    if callable(filters):
        return bool(filters(layer))
    patterns = [filters] if isinstance(filters, str) else filters
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(p, str) for p in patterns):
        expected = "a regular expression, a list of them, or a function of a layer"
        raise ValueError(errors.bad_argument("filters", filters, expected))
    return any(re.search(pattern, layer.name) for pattern in patterns)


def _measure(model: Any, data: Nest) -> tuple[list[Any], dict[str, float]]:
    """Return the outputs, and loss and metrics where there are labels; kept states are zero."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    metrics = {}
    if y is not None:
        model.reset_state()
        metrics = model.evaluate(x, y, sample_weight=sample_weight, verbose=0, return_dict=True)
    model.reset_state()
    outputs = model.predict(x, verbose=0)
    model.reset_state()
    return arrays_in(outputs), metrics
