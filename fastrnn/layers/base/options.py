"""Options that several layers have: kinds beside those of ``fastrnn.core.options``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_choice, to_positive_int
from fastrnn.core.options import Kind
from fastrnn.core.seed_generator import SeedGenerator, to_drawn_seed
from fastrnn.layers.base.layer import Layer, registry

T = TypeVar("T")


def to_layer(argument: str, value: object) -> Layer:
    """Return a layer, also of its description, or raise ``ValueError`` if it is none."""
    made = registry.deserialize(value) if isinstance(value, dict) else value
    if not isinstance(made, Layer):
        raise ValueError(errors.bad_argument(argument, value, "a layer"))
    return made


def to_data_format(argument: str, value: object) -> str:
    """Return the order of the axes; that of ``config.image_data_format`` where it is ``None``."""
    known = (None, "channels_last", "channels_first")
    return to_choice(argument, value, known) or config.image_data_format()


def to_times(argument: str, value: object) -> int:
    """Return how often something is repeated; ``TypeError`` for what is no integer, as in Keras."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(errors.bad_argument(argument, value, "an integer"))
    return to_positive_int(argument, value)


def to_sole(argument: str, value: object) -> tuple[int]:
    """Return a size, which may stand alone in a list, as a tuple, or raise ``ValueError``."""
    sole = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    return (to_positive_int(argument, sole),)


# The seed of what a layer draws. Configs have a number, also where a generator gave it.
Seed = Annotated[int | SeedGenerator | None, Kind(to_drawn_seed)]
Times = Annotated[int, Kind(to_times)]
# A size along time, as the tuple that Keras keeps.
Size = Annotated[int | Sequence[int], Kind(to_sole)]
# A layer inside a layer.
InnerLayer = Annotated[Layer, Kind(to_layer, registry.serialize)]
# "channels_last" (also None), (batch, timesteps, channels), or "channels_first".
DataFormat = Annotated[str | None, Kind(to_data_format)]
# Values of weights to begin with, which are saved as weights and not in the config.
Initial = Annotated[T, Kind(in_config=False, attribute="_initial_weights")]
