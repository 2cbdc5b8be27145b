"""`tf.data`: fastrnn's data sets."""

from fastrnn.compat.tensorflow.names import attributes
from fastrnn.compat.tensorflow.session import Settings

Options = Settings
_PLACES = {
    "AUTOTUNE": "data:AUTOTUNE",
    "Dataset": "data:Dataset",
    "experimental": "compat.tensorflow.data",
}
__getattr__, __dir__ = attributes("data", _PLACES, {})
