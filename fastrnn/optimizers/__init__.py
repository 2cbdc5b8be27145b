"""Optimizers, under Keras's names."""

from fastrnn.optimizers import schedules
from fastrnn.optimizers.adadelta import Adadelta
from fastrnn.optimizers.adagrad import Adagrad
from fastrnn.optimizers.adam import Adam, AdamW
from fastrnn.optimizers.adamax import Adamax
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.ftrl import Ftrl
from fastrnn.optimizers.lion import Lion
from fastrnn.optimizers.nadam import Nadam
from fastrnn.optimizers.rmsprop import RMSprop
from fastrnn.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
