"""PyTorch: ``nn.RNN``, ``nn.LSTM``, ``nn.GRU``, time-major."""

from __future__ import annotations

from typing import Any

import numpy as np

from peers import Array, Training, Work, reorder_gates, split_directions, two_biases

# Where Keras's gates stand in torch's order: i f g o from i f c o, r z n from z r h.
ORDER = {"SimpleRNN": (0,), "LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2)}
LAYERS = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


def start(threads: int) -> str:
    import torch

    torch.set_num_threads(threads)
    return torch.__version__


def parameter_names(case: Any) -> list[tuple[str, str, str, str]]:
    """Names of kernel, recurrent kernel and the two biases of each direction."""
    suffixes = ["", "_reverse"][: case.directions]
    kinds = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    return [tuple(kind + suffix for kind in kinds) for suffix in suffixes]


def build_layer(case: Any, weights: list[Array]) -> Any:
    import torch

    layer = getattr(torch.nn, LAYERS[case.layer])(
        case.features, case.units, bidirectional=case.bidirectional
    )
    order = ORDER[case.layer]
    with torch.no_grad():
        for names, direction in zip(
            parameter_names(case), split_directions(case, weights), strict=True
        ):
            arrays = (direction.kernel.T, direction.recurrent_kernel.T, *two_biases(direction))
            for name, array in zip(names, arrays, strict=True):
                ordered = reorder_gates(array.T, order).T
                getattr(layer, name).copy_(torch.from_numpy(np.array(ordered)))
    return layer


def keras_weights(case: Any, layer: Any, head: Any) -> list[Array]:
    """Return the weights in Keras's layout.

    Where Keras has one bias, torch has two, of one gradient each: the first tells the first step.
    """
    inverse = np.argsort(ORDER[case.layer])
    weights = []
    for names in parameter_names(case):
        kernel, recurrent, *biases = (
            reorder_gates(getattr(layer, name).detach().numpy().T, inverse) for name in names
        )
        weights += [kernel, recurrent, np.stack(biases) if case.layer == "GRU" else biases[0]]
    return [*weights, head.weight.detach().numpy().T.copy(), head.bias.detach().numpy().copy()]


def prepare(case: Any, weights: list[Array], x: Array, y: Array) -> Work:
    import torch

    from fastrnn.bench.cases import LEARNING_RATE

    layer = build_layer(case, weights)
    head = torch.nn.Linear(case.directions * case.units, 1)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weights[-2].T.copy()))
        head.bias.copy_(torch.from_numpy(weights[-1]))
    inputs = torch.from_numpy(np.ascontiguousarray(x.transpose(1, 0, 2)))
    targets = torch.from_numpy(y)
    optimizer = torch.optim.SGD([*layer.parameters(), *head.parameters()], lr=LEARNING_RATE)

    def last_states(x: Any) -> Any:
        _, states = layer(x)
        return states[0] if case.layer == "LSTM" else states

    def forward() -> Any:
        with torch.inference_mode():
            return last_states(inputs)

    def training_step() -> float:
        optimizer.zero_grad(set_to_none=True)
        states = last_states(inputs)
        last = torch.cat(tuple(states), dim=-1) if case.bidirectional else states[0]
        loss = torch.nn.functional.mse_loss(head(last), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Work(
        [forward],
        read=lambda states: np.concatenate(list(states.numpy()), axis=-1),
        training=[Training(training_step, lambda: keras_weights(case, layer, head))],
    )
