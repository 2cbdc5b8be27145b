"""Dtype policies, as Keras names them.

>>> from fastrnn import dtype_policies, layers
>>> layers.Dense(2, dtype=dtype_policies.DTypePolicy("float64")).dtype_policy
<DTypePolicy "float64">
"""

from __future__ import annotations

from typing import Any

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.dtype_policy import DTypePolicy
from fastrnn.typing import Config

FloatDTypePolicy = DTypePolicy

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]


def get(identifier: Any = None) -> DTypePolicy:
    """Return the policy of a name, a type, a description or a policy; ``None``: that in force.

    Raises:
        ValueError: there is no such policy.

    >>> get("float32").variable_dtype
    'float32'
    """
    if identifier is None:
        return config.dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    named: Any = identifier
    return DTypePolicy(getattr(named, "name", None) or getattr(named, "__name__", named))


def serialize(dtype_policy: DTypePolicy) -> Config:
    """Return a policy as plain data.

    >>> serialize(DTypePolicy("float32"))["config"]
    {'name': 'float32'}
    """
    described = {"module": "keras", "class_name": "DTypePolicy", "registered_name": None}
    return {**described, "config": dtype_policy.get_config()}


def deserialize(config: Config) -> DTypePolicy:
    """Return the policy that ``serialize`` described.

    Raises:
        ValueError: it describes something else.
    """
    if config.get("class_name") not in ("DTypePolicy", "FloatDTypePolicy", "Policy"):
        raise ValueError(errors.bad_argument("config", config, "that of a DTypePolicy"))
    return DTypePolicy.from_config(config["config"])
