"""The cases that are timed, how much arithmetic each is, and the models and numbers for them.

Sizes stand in the order batch, timesteps, features, units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Case:
    """One recurrent layer on one batch; the last output alone is returned."""

    layer: str
    batch: int
    timesteps: int
    features: int
    units: int
    bidirectional: bool = False

    @property
    def id(self) -> str:
        """Name of the case in tables."""
        name = f"Bidirectional{self.layer}" if self.bidirectional else self.layer
        return f"{name}-{self.batch}x{self.timesteps}x{self.features}x{self.units}"

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def is_single_step(self) -> bool:
        """Whether the case is one step of one sequence: its latency counts, not its training."""
        return self.batch == self.timesteps == 1

    @property
    def forward_flop(self) -> int:
        """Multiplications and additions of the matrix products of one forward pass."""
        columns = GATES[self.layer] * self.units
        per_step = 2 * self.batch * columns * (self.features + self.units)
        return self.directions * self.timesteps * per_step

    @property
    def training_flop(self) -> int:
        """The same for a training step: backward has two products for each forward one."""
        return 3 * self.forward_flop

    @property
    def work(self) -> dict[str, int]:
        """What is timed, ``"forward"`` or ``"training"``, and its operations."""
        if self.is_single_step:
            return {"forward": self.forward_flop}
        return {"forward": self.forward_flop, "training": self.training_flop}


CASES = (
    Case("SimpleRNN", 32, 100, 50, 128),
    Case("LSTM", 32, 100, 50, 128),
    Case("GRU", 32, 100, 50, 128),
    Case("LSTM", 64, 200, 128, 64, bidirectional=True),
    Case("LSTM", 32, 50, 1, 50),
    Case("LSTM", 1, 1, 16, 32),
)
MORE_CASES = (
    Case("SimpleRNN", 7, 13, 5, 33),
    Case("LSTM", 7, 13, 5, 33),
    Case("GRU", 7, 13, 5, 33),
    # The small ones of the first list, twice as long.
    Case("LSTM", 7, 26, 5, 33),
    Case("LSTM", 32, 100, 1, 50),
    Case("GRU", 32, 100, 1, 50),
    # Language models of the Penn Treebank.
    Case("LSTM", 20, 35, 200, 200),
    Case("LSTM", 20, 35, 650, 650),
    # Sizes of DeepBench.
    Case("LSTM", 16, 25, 512, 512),
    Case("GRU", 32, 25, 512, 512),
    # A large layer, and one long sequence.
    Case("LSTM", 64, 50, 1024, 1024),
    Case("LSTM", 1, 1000, 64, 256),
)


def select(text: str | None, more: bool = False) -> list[Case]:
    """Return the cases whose name contains ``text``, of the first list or of both.

    Raises:
        ValueError: there are none.
    """
    cases = CASES + MORE_CASES if more else CASES
    found = [case for case in cases if (text or "").lower() in case.id.lower()]
    if not found:
        names = ", ".join(case.id for case in cases)
        raise ValueError(f"no case has {text!r} in its name; the cases are {names}")
    return found


def build_layer(keras: Any, case: Case, dtype: str = "float32") -> Any:
    """Return the recurrent layer of ``case`` from a library that speaks Keras's API."""
    layer = getattr(keras.layers, case.layer)(case.units, dtype=dtype)
    return keras.layers.Bidirectional(layer, dtype=dtype) if case.bidirectional else layer


def build_model(keras: Any, case: Case, dtype: str = "float32", **compile_options: Any) -> Any:
    """Return a compiled model: the recurrent layer, then Dense(1), on mean squared error."""
    model = keras.Sequential(
        [
            keras.Input((case.timesteps, case.features)),
            build_layer(keras, case, dtype),
            keras.layers.Dense(1, dtype=dtype),
        ]
    )
    optimizer = keras.optimizers.SGD(LEARNING_RATE)
    model.compile(optimizer=optimizer, loss="mse", **compile_options)
    return model


def random_weights(case: Case, seed: int = 0) -> list[Array]:
    """Return float32 weights of ``build_model`` in Keras's order; no bias is zero."""
    rng = np.random.default_rng(seed)
    columns = GATES[case.layer] * case.units
    bias = (2, columns) if case.layer == "GRU" else (columns,)
    one_direction = [(case.features, columns), (case.units, columns), bias]
    shapes = one_direction * case.directions + [(case.directions * case.units, 1), (1,)]
    limit = 1 / np.sqrt(case.units)
    return [rng.uniform(-limit, limit, shape).astype(np.float32) for shape in shapes]


def random_batch(case: Case, seed: int = 0) -> tuple[Array, Array]:
    """Return x (batch, timesteps, features) and y (batch, 1), float32."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((case.batch, case.timesteps, case.features), dtype=np.float32)
    y = rng.standard_normal((case.batch, 1), dtype=np.float32)
    return x, y
