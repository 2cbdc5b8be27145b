"""Optimizers, under Keras's names."""

from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_paths import old_modules
from fastrnn.optimizers import schedules
from fastrnn.optimizers.adadelta import Adadelta
from fastrnn.optimizers.adafactor import Adafactor
from fastrnn.optimizers.adagrad import Adagrad
from fastrnn.optimizers.adam import Adam, AdamW
from fastrnn.optimizers.adamax import Adamax
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.ftrl import Ftrl
from fastrnn.optimizers.lamb import Lamb
from fastrnn.optimizers.lion import Lion
from fastrnn.optimizers.loss_scale import LossScaleOptimizer
from fastrnn.optimizers.muon import Muon
from fastrnn.optimizers.nadam import Nadam
from fastrnn.optimizers.rmsprop import RMSprop
from fastrnn.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from fastrnn.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

__getattr__ = lazy_attributes(__name__, old_modules(__name__))

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
