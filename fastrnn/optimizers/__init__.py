"""Optimizers, under Keras's names."""

from fastrnn.optimizers.adam import Adam
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.rmsprop import RMSprop
from fastrnn.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop", "deserialize", "get", "serialize"]

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
