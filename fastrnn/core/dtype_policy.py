"""Dtype policies: in which types a layer keeps its weights and computes, by name."""

from __future__ import annotations

from typing import Any, Self

from fastrnn.core import errors

FLOAT_TYPES = ("float32", "float64")
# Names of policies and types with half as many bits, which are computed in float32.
HALF_TYPES = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "half")


class DTypePolicy:
    """A name for the types of a layer.

    Args:
        name: ``"float32"`` or ``"float64"``; or ``"mixed_float16"``, ``"mixed_bfloat16"``,
            ``"float16"`` or ``"bfloat16"``, all of which are computed in float32.

    Attributes:
        name: as it was given.
        compute_dtype: the type in which layers compute.
        variable_dtype: the type of their weights.
        quantization_mode: ``None``.

    Raises:
        ValueError: another name.

    >>> DTypePolicy("mixed_float16").compute_dtype
    'float32'
    """

    quantization_mode = None

    def __init__(self, name: str = "float32", source_name: str | None = None) -> None:
        self.name = name if name in HALF_TYPES else to_float_type("name", name)
        self.compute_dtype = self.variable_dtype = to_float_type("name", name)

    def get_config(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a policy of what ``get_config`` returned."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


def to_float_type(argument: str, value: object) -> str:
    """Return the type in which ``value``, a name, a type or a policy, is computed.

    Raises:
        ValueError: it is no type of floats.
    """
    name = str(name_of(value))
    if name in HALF_TYPES:
        return "float32"
    if name not in FLOAT_TYPES:
        raise ValueError(errors.not_one_of(argument, value, FLOAT_TYPES))
    return name


def name_of(value: object) -> object:
    """Return the name of a type or of a policy; a name as it is."""
    return getattr(value, "name", None) or getattr(value, "__name__", value)
