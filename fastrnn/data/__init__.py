"""Data sets that are made in stages, with the names and the meaning of ``tf.data``."""

from fastrnn.data.dataset import AUTOTUNE, Dataset
from fastrnn.data.sources.source import INFINITE as INFINITE_CARDINALITY
from fastrnn.data.sources.source import UNKNOWN as UNKNOWN_CARDINALITY
from fastrnn.data.spec import TensorSpec

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "TensorSpec"]
