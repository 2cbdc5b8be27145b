"""The activations that ONNX has too: as operators of their own, and inside its recurrent cells."""

from __future__ import annotations

from typing import Any

# By our name: the operator, and the attributes that make it ours, with ONNX's defaults for them.
# Attributes are (ours, ONNX's default).
_Attributes = dict[str, tuple[float, float]]
ACTIVATIONS: dict[str, tuple[str, _Attributes]] = {
    "linear": ("Identity", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "relu": ("Relu", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": (1 / 6, 0.2), "beta": (0.5, 0.5)}),
    "softmax": ("Softmax", {}),
    "log_softmax": ("LogSoftmax", {}),
    "elu": ("Elu", {"alpha": (1.0, 1.0)}),
    "celu": ("Celu", {"alpha": (1.0, 1.0)}),
    "selu": (
        "Selu",
        {"alpha": (1.6732632423543772, 1.67326319), "gamma": (1.0507009873554805, 1.05070102)},
    ),
    "leaky_relu": ("LeakyRelu", {"alpha": (0.2, 0.01)}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "exponential": ("Exp", {}),
    "hard_silu": ("HardSwish", {}),
}
# Inside a cell, alpha and beta stand in lists, one entry for each activation that has them.
CELL_ACTIVATIONS: dict[str, tuple[str, _Attributes]] = {
    name: ACTIVATIONS[name]
    for name in ("tanh", "sigmoid", "relu", "hard_sigmoid", "elu", "softplus", "softsign")
} | {
    "linear": ("Affine", {"alpha": (1.0, 1.0), "beta": (0.0, 0.0)}),
    "leaky_relu": ACTIVATIONS["leaky_relu"],
}
# Cells of one step, by the operator that runs them over sequences: activations in ONNX's order.
CELL_OPERATORS = {
    "simple_rnn": "RNN",
    "lstm": "LSTM",
    "peephole_lstm": "LSTM",
    "gru": "GRU",
    "gru_reset_after": "GRU",
}
DEFAULT_ACTIVATIONS = {
    "RNN": ["Tanh"],
    "GRU": ["Sigmoid", "Tanh"],
    "LSTM": ["Sigmoid", "Tanh", "Tanh"],
}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def name_of(operator: str, given: dict[str, float], table: dict[str, Any]) -> str | None:
    """Return our activation that is ``operator`` with these attributes, or ``None``.

    >>> name_of("HardSigmoid", {"alpha": 1 / 6}, ACTIVATIONS)
    'hard_sigmoid'
    >>> name_of("HardSigmoid", {}, ACTIVATIONS) is None
    True
    """
    for name, (known, attributes) in table.items():
        if known == operator and all(
            abs(given.get(key, default) - ours) < 1e-6
            for key, (ours, default) in attributes.items()
        ):
            return str(name)
    return None
