"""Saving: models and their weights in files."""

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
from fastrnn.core.old_paths import old_modules
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.formats.containers.safetensors import read_safetensors, write_safetensors
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.models.saving import load_model, save_model

__all__ = [
    "CustomObjectScope",
    "ModelFileError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "read_safetensors",
    "register_keras_serializable",
    "save_model",
    "serialize_keras_object",
    "write_safetensors",
]

__getattr__ = lazy_attributes(__name__, old_modules(__name__))
