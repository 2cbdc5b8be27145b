"""Data sets."""

from fastrnn.datasets import imdb, sunspots

__all__ = ["imdb", "sunspots"]
