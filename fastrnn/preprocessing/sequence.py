"""Sequences, at Keras's older path."""

from fastrnn.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
