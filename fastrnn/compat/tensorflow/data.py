"""`tf.data`: fastrnn's data sets."""

from typing import Any

from fastrnn.compat.tensorflow.names import attributes
from fastrnn.compat.tensorflow.session import Settings

Options = Settings


def cardinality(dataset: Any) -> Any:
    """Return the number of elements of a data set."""
    return dataset.cardinality()


_PLACES = {
    "AUTOTUNE": "data:AUTOTUNE",
    "Dataset": "data:Dataset",
    "experimental": "compat.tensorflow.data",
}
__getattr__, __dir__ = attributes("data", _PLACES, {})
