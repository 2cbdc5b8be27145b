"""Random numbers, and the generators of seeds that they are drawn by.

>>> from fastrnn import random
>>> random.normal((2, 3), seed=1).shape
(2, 3)
"""

from fastrnn.core.seed_generator import SeedGenerator
from fastrnn.ops.random import (
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
