"""Streams: models run one time step at a time."""

from fastrnn.layers.base.streaming import Stream, make_stream

__all__ = ["Stream", "make_stream"]
