"""The one source of random seeds: initializers, dropout and shuffling draw theirs here."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import integer_of

_LARGEST_SEED = 2**32 - 1  # what numpy.random.seed takes
_DRAWN = 2**16  # what a number of a mask is drawn below
_RAREST = 64  # of them for the rarer outcome, so that rounding changes its share by 1 % at most
STATE_BYTES = 256  # more than the text of NumPy's default generator's state has


def set_random_seed(seed: int) -> None:
    """Seed ``random``, ``numpy.random`` and everything random in fastrnn.

    After it, the same script gives the same weights, dropout masks and order of samples,
    bit for bit.

    Args:
        seed: integer from 0 to 2**32 - 1.

    Raises:
        ValueError: ``seed`` is no such integer.

    >>> import fastrnn
    >>> fastrnn.utils.set_random_seed(7)
    """
    seed = to_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - scripts draw from it


def to_seed(seed: object) -> int:
    """Return ``seed`` as an ``int``, or raise ``ValueError`` if NumPy cannot take it as a seed."""
    integer = integer_of(seed)
    if integer is None or not 0 <= integer <= _LARGEST_SEED:
        raise ValueError(errors.bad_argument("seed", seed, f"an integer from 0 to {_LARGEST_SEED}"))
    return integer


def draw_seed() -> int:
    """Draw a seed for one initializer, layer or shuffle."""
    return random.randint(1, 10**9)


def generator(seed: int | None = None) -> np.random.Generator:
    """Return a generator with this seed, or with one that is drawn."""
    return np.random.default_rng(draw_seed() if seed is None else to_seed(seed))


def generator_of(owner: object) -> np.random.Generator | None:
    """Return the generator of what draws by one of its own, a layer or a data set, if it does."""
    found = getattr(owner, "generator", None)
    return found if isinstance(found, np.random.Generator) else None


def keep_mask(
    generator: np.random.Generator, shape: Sequence[int], rate: float
) -> npt.NDArray[np.bool_]:
    """Return a mask of ``shape`` that is ``False`` with probability ``rate``.

    A generator's 64 bits serve four numbers, at a third of the time of floats. Rates that 16 bits
    cannot tell well from 0 or 1 are compared with floats.
    """
    dropped = round(rate * _DRAWN)
    if min(dropped, _DRAWN - dropped) < _RAREST:
        return generator.random(shape) >= rate
    size = math.prod(shape)
    drawn = generator.integers(0, 2**64 - 1, -(-size // 4), np.uint64, endpoint=True)
    # The same numbers on machines of either byte order.
    sixteen_bits = drawn.astype("<u8", copy=False).view("<u2")
    return (sixteen_bits[:size] >= dropped).reshape(shape)


def state_of(generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the state of a generator for ``set_state``: JSON, in bytes that a file can hold."""
    text = json.dumps(generator.bit_generator.state, default=np.ndarray.tolist)
    # The digits of a state vary; all states of one kind have the same length.
    return np.frombuffer(text.ljust(STATE_BYTES).encode(), np.uint8)


def set_state(generator: np.random.Generator, state: npt.NDArray[np.uint8]) -> None:
    """Let a generator go on from a state that ``state_of`` returned for one of its kind."""
    generator.bit_generator.state = json.loads(state.tobytes())
