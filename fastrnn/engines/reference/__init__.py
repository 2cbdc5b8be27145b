"""The reference engine: plain NumPy, any float type, any activation."""

from fastrnn.engines.reference.adam import adam
from fastrnn.engines.reference.sequence import backward, forward

__all__ = ["adam", "backward", "forward"]
