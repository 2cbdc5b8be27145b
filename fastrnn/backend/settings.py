"""Settings: what K says of itself, and switches of TensorFlow's graphs."""

from __future__ import annotations

from typing import Any

from fastrnn import config, ops
from fastrnn.config import epsilon, floatx, set_epsilon, set_floatx
from fastrnn.core import tracing
from fastrnn.core.naming import auto_name
from fastrnn.core.variable import name_scope
from fastrnn.utils import clear_session

__all__ = [
    "_get_available_gpus", "backend", "cast_to_floatx", "clear_session", "epsilon", "floatx",
    "get_session", "get_uid", "image_data_format", "image_dim_ordering", "learning_phase",
    "name_scope", "set_epsilon", "set_floatx", "set_image_data_format", "set_image_dim_ordering",
    "set_learning_phase", "set_session",
]  # fmt: skip


def backend() -> str:
    """Return what computes: "numpy", arrays in and arrays out."""
    return "numpy"


def image_data_format() -> str:
    """Return "channels_last", the only order of axes that there is."""
    return "channels_last"


image_dim_ordering = image_data_format


def set_image_data_format(data_format: str) -> None:
    """Do nothing: there are no images."""


set_image_dim_ordering = set_image_data_format


def learning_phase() -> int:
    """Return 1 in a ``call`` of one's own that is followed for training, else 0."""
    trace = tracing.active()
    return int(trace is not None and bool(trace.training))


def set_learning_phase(value: int | bool) -> None:
    """Do nothing: layers are told by each call whether it is for training."""


def get_session() -> None:
    """Return None: there is no session of TensorFlow's."""


def set_session(session: object) -> None:
    """Do nothing: there is no session of TensorFlow's."""


def _get_available_gpus() -> list[str]:
    """Return no GPU, which scripts ask `tensorflow_backend` for."""
    return []


def get_uid(prefix: str = "") -> int:
    """Return a number that is another one at each call for a prefix."""
    name = auto_name(prefix or "Uid")
    last = name.rpartition("_")[2]
    return int(last) + 1 if last.isdigit() else 1


def cast_to_floatx(x: Any) -> Any:
    """Return ``x`` in the default float type."""
    return ops.cast(x, config.floatx())
