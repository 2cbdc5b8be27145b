"""Models."""

from fastrnn.models.sequential import Sequential

__all__ = ["Sequential"]
