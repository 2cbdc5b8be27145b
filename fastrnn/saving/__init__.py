"""Saving: the weights of a model in a file."""

from fastrnn.saving.weights import SavesWeights

__all__ = ["SavesWeights"]
