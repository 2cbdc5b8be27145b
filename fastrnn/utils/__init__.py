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
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

_IMAGES = (
    "fastrnn is for sequences, not for images; read them with another package, and hand over arrays"
)
_IMAGE_NAMES = (
    "array_to_img",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "save_img",
)

# Loaded when they are first asked for.
__getattr__ = lazy_attributes(
    __name__,
    {
        **old_modules(__name__),
        "io_utils": f"{__name__}.io_utils",
        **{
            name: f"{__name__}.{module}:{name}"
            for name, module in {
                "Progbar": "progbar",
                "count_params": "old_functions",
                "disable_interactive_logging": "io_utils",
                "enable_interactive_logging": "io_utils",
                "get_file": "downloads",
                "get_source_inputs": "tensors",
                "is_interactive_logging_enabled": "io_utils",
                "is_keras_tensor": "tensors",
                "multi_gpu_model": "old_functions",
                "print_summary": "old_functions",
                "split_dataset": "splitting",
                "standardize_dtype": "tensors",
                "text_dataset_from_directory": "text_dataset",
                "timeseries_dataset_from_array": "timeseries",
            }.items()
        },
    },
    refuse=lambda name: _IMAGES if name in _IMAGE_NAMES else "",
)


def clear_session(free_memory: bool = True) -> None:
    """Start the automatic names of layers and models from the beginning.

    Args:
        free_memory: accepted; there is no memory to free.
    """
    _reset_names()
