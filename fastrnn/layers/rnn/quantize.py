"""QuantizableLayer: recurrent layers with quantized weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fastrnn.core import errors
from fastrnn.engines.quantize import MODES
from fastrnn.layers.base.layer import Layer

if TYPE_CHECKING:
    from fastrnn.layers.rnn.recurrent_cell import RecurrentCell


class QuantizableLayer(Layer):
    """A layer with recurrent cells of fastrnn."""

    @property
    def quantizable_cells(self) -> list[RecurrentCell]:
        """The cells that ``quantize`` quantizes."""
        raise NotImplementedError

    @property
    def quantization_mode(self) -> str | None:
        """``"int8"`` or ``"bf16"``, or ``None`` where the layer is not quantized."""
        modes = [cell.quantization_mode for cell in self.quantizable_cells]
        return modes[0] if modes else None

    def quantize(self, mode: str | None = None) -> None:
        """Compute with quantized weights from now on, in inference alone.

        The weights themselves stay as they are, and can no longer be changed; the configuration
        says nothing about it. See ``fastrnn.engines.quantize`` for what is computed.

        Args:
            mode: ``"int8"``, weights and what they multiply in 8 bits; or ``"bf16"``, weights in
                16 bits.

        Raises:
            ValueError: another mode; or the layer is not built, quantized already, not of float32,
                or has weights that are not finite.

        >>> import numpy as np
        >>> from fastrnn.layers import LSTM
        >>> layer, x = LSTM(8, seed=1), np.ones((2, 5, 3))
        >>> y = layer(x)
        >>> layer.quantize("int8")
        >>> layer.quantization_mode, bool(np.abs(layer(x) - y).max() < 0.02)
        ('int8', True)
        """
        prepare_cells(self.quantizable_cells, mode)()


def prepare_cells(cells: Iterable[RecurrentCell], mode: str | None) -> Callable[[], None]:
    """Quantize the weights of cells, and return the function that puts them to use.

    Raises:
        ValueError: there is no cell, or one cannot be quantized.
    """
    if mode not in MODES:
        raise ValueError(errors.not_one_of("mode", mode, MODES))
    cells = list({id(cell): cell for cell in cells}.values())
    if not cells:
        raise ValueError(errors.bad_argument("mode", mode, "a layer with cells to quantize"))
    quantized = [cell.quantize_weights(mode) for cell in cells]

    def use() -> None:
        for cell, weights in zip(cells, quantized, strict=True):
            cell.use_quantized(weights)

    return use
