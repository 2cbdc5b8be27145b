"""The shapes that the benchmarks run, and how much arithmetic each is.

Sizes: batch, timesteps, features, units.
"""

from __future__ import annotations

from dataclasses import dataclass

GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}


@dataclass(frozen=True)
class Shape:
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
    def forward_flop(self) -> int:
        """Multiplications and additions of the matrix products of one forward pass."""
        directions = 2 if self.bidirectional else 1
        columns = GATES[self.layer] * self.units
        per_step = 2 * self.batch * columns * (self.features + self.units)
        return directions * self.timesteps * per_step

    @property
    def training_flop(self) -> int:
        """The same for a training step: backward has two products for each forward one."""
        return 3 * self.forward_flop


SHAPES = (
    Shape("SimpleRNN", 32, 100, 50, 128),
    Shape("LSTM", 32, 100, 50, 128),
    Shape("GRU", 32, 100, 50, 128),
    Shape("LSTM", 64, 200, 128, 64, bidirectional=True),
    Shape("LSTM", 32, 50, 1, 50),
)
