"""Streams: models run one time step at a time."""

from fastrnn.models.streaming import Stream, make_stream

__all__ = ["Stream", "make_stream"]
