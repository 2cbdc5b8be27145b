"""The states of random generators as data, so that training goes on with the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastrnn.core import random
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.places import Place
from fastrnn.typing import Config

_KIND = "PCG64"


def generator_states(places: Sequence[Place]) -> dict[str, dict[str, Any]]:
    """Return the states of the layers' generators, by their places; large numbers as texts."""
    states = {}
    for place in places:
        generator = random.generator_of(place.owner)
        if generator is not None:
            state: Any = generator.bit_generator.state
            numbers = {key: hex(value) for key, value in state["state"].items()}
            states[place.path] = {**state, "state": numbers}
    return states


def set_generators(places: Sequence[Place], states: Config, source: str) -> None:
    """Set the layers' generators to states that ``generator_states`` returned.

    Raises:
        ModelFileError: ``bad_metadata``.
    """
    for place in places:
        generator = random.generator_of(place.owner)
        if generator is not None and place.path in states:
            try:
                generator.bit_generator.state = _to_state(states[place.path])
            except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
                message = f"no state of a generator for {place.path!r}"
                raise ModelFileError("bad_metadata", source, message) from error


def _to_state(data: dict[str, Any]) -> dict[str, Any]:
    if data["bit_generator"] != _KIND:
        raise ValueError(data["bit_generator"])
    numbers = {key: int(data["state"][key], 16) for key in ("state", "inc")}
    if not all(0 <= number < 2**128 for number in numbers.values()):
        raise ValueError(numbers)
    rest = {key: int(data[key]) for key in ("has_uint32", "uinteger")}
    return {"bit_generator": _KIND, "state": numbers, **rest}
