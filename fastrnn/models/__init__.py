"""Models."""

from fastrnn.models.functional import Functional
from fastrnn.models.model import Model
from fastrnn.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
