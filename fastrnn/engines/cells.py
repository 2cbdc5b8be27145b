"""The table of recurrent cells: gates, states and weight shapes. Everything iterates over it.

Sizes: F features, H units, G gates. Gate blocks stand in this order along the last axis of
every weight, each ``units`` wide.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellSpec:
    """What distinguishes one recurrent cell from another, but for its equations."""

    name: str
    gates: tuple[str, ...]
    states: tuple[str, ...]
    # The bias has two rows: one for the input product, one for the recurrent product.
    has_recurrent_bias: bool = False
    has_recurrent_activation: bool = True

    def kernel_shape(self, features: int, units: int) -> tuple[int, int]:
        """Shape of the input weights: (F, G·H)."""
        return (features, len(self.gates) * units)

    def recurrent_kernel_shape(self, units: int) -> tuple[int, int]:
        """Shape of the recurrent weights: (H, G·H)."""
        return (units, len(self.gates) * units)

    def bias_shape(self, units: int) -> tuple[int, ...]:
        """Shape of the bias: (G·H,), or (2, G·H) with a recurrent bias."""
        row = (len(self.gates) * units,)
        return (2, *row) if self.has_recurrent_bias else row


CELLS = {
    spec.name: spec
    for spec in (
        CellSpec("simple_rnn", gates=("h",), states=("h",), has_recurrent_activation=False),
        CellSpec("lstm", gates=("i", "f", "c", "o"), states=("h", "c")),
        CellSpec("gru", gates=("z", "r", "h"), states=("h",)),
        CellSpec("gru_reset_after", gates=("z", "r", "h"), states=("h",), has_recurrent_bias=True),
    )
}
