"""Models."""

from fastrnn.core.old_paths import old_names
from fastrnn.models.cloning import clone_model, model_from_config, model_from_json
from fastrnn.models.functional import Functional
from fastrnn.models.model import Model
from fastrnn.models.saving import load_model, save_model
from fastrnn.models.sequential import Sequential

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "save_model",
]

__getattr__ = old_names(__name__)
