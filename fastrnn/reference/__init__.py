"""The reference engine: plain NumPy, any float type, any activation."""

from fastrnn.reference.adam import adam
from fastrnn.reference.sequence import backward, forward

__all__ = ["adam", "backward", "forward"]
