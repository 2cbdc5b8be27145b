"""SeedGenerator: seeds one after the other, from one seed."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from fastrnn.core import random
from fastrnn.core.naming import auto_name
from fastrnn.core.registry import Registry
from fastrnn.core.variable import Variable, name_scope
from fastrnn.typing import Array

registry = Registry("seed", "keras.random")


@registry.register()
class SeedGenerator:
    """Gives a new seed each time that something random asks it for one.

    Args:
        seed: where it begins; ``None`` draws it.
        name: name of the generator.

    Attributes:
        state: a variable of the seed and of how many seeds have been given.

    Raises:
        ValueError: ``seed`` is no integer from 0 to 2**32 - 1.

    >>> seeds = SeedGenerator(3)
    >>> seeds.next(), seeds.next()
    (array([3, 0], dtype=uint32), array([3, 1], dtype=uint32))
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self.name = auto_name(type(self).__name__) if name is None else name
        self._given = seed
        self.seed = random.draw_seed() if seed is None else random.to_seed(seed)
        with name_scope(self.name):
            value = np.array([self.seed, 0], np.uint32)
            self.state = Variable(value, name="seed_generator_state", trainable=False)

    def next(self, ordered: bool = True) -> Array:
        """Return the next seed, an array of two integers.

        Args:
            ordered: accepted.
        """
        seed = self.state.numpy()
        self.state.value[1] += 1
        return seed

    def generator(self) -> np.random.Generator:
        """Return a generator of the next seed."""
        return np.random.default_rng(self.next())

    def get_config(self) -> dict[str, Any]:
        """Return the seed that was given, and the name."""
        return {"seed": self._given, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a generator of what ``get_config`` returned."""
        return cls(**config)


def to_generator(seed: int | SeedGenerator | None) -> np.random.Generator:
    """Return a generator of a seed, of the next one that a ``SeedGenerator`` gives, or drawn."""
    return seed.generator() if isinstance(seed, SeedGenerator) else random.generator(seed)


def to_seed_or_generator(argument: str, value: Any) -> Any:
    """Return a seed, or a ``SeedGenerator`` also of its description."""
    return registry.deserialize(value) if isinstance(value, dict) else value


def to_drawn_seed(argument: str, value: Any) -> Any:
    """Return a seed, for a ``SeedGenerator`` one that is drawn from it."""
    if isinstance(value, SeedGenerator):
        return int(value.generator().integers(2**31))
    return value
