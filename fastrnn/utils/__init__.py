"""Helpers around training, at Keras's paths."""

from fastrnn.core.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from fastrnn.core.deserialization import deserialize_keras_object
from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.naming import reset_names as _reset_names
from fastrnn.core.old_paths import old_modules
from fastrnn.core.random import set_random_seed
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.models.trainer.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from fastrnn.models.trainer.py_dataset import PyDataset
from fastrnn.utils.history_drawing import plot_history
from fastrnn.utils.model_drawing import model_to_dot, plot_model
from fastrnn.utils.numerical import normalize, to_categorical
from fastrnn.utils.sequences import pad_sequences

Sequence = PyDataset  # its name in Keras 2

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_history",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

# Loaded when they are first asked for.
__getattr__ = lazy_attributes(
    __name__,
    {
        **old_modules(__name__),
        **{
            name: f"{__name__}.{module}:{name}"
            for name, module in {
                "get_file": "downloads",
                "timeseries_dataset_from_array": "timeseries",
            }.items()
        },
    },
)


def clear_session(free_memory: bool = True) -> None:
    """Start the automatic names of layers and models from the beginning.

    Args:
        free_memory: accepted; there is no memory to free.
    """
    _reset_names()
