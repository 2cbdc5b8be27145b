"""Building: the object that a description from a file makes, within what the file is worth."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TypeVar

from fastrnn.core import load_budget, serialization
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.formats.model_file_error import ModelFileError

Made = TypeVar("Made")


def build_described(config: object, scalars: int, where: str, kind: type[Made]) -> Made:
    """Return what a description makes, built as it says; its weights are not set yet.

    Args:
        config: the description.
        scalars: how many numbers its file has for the weights.
        where: the file and the place in it, for messages.
        kind: the class of which it must be.

    Raises:
        ModelFileError: the description is refused.
    """
    check_names_of_layers(config, where)
    with refusals(where), load_budget.reading(scalars):
        made = serialization.deserialize(config)
        if not isinstance(made, kind):
            raise ModelFileError("not_a_model", where, "the description of no model")
        serialization.build_as_described(made, config)
        return made


def check_names_of_layers(config: object, source: str) -> None:
    """Check the names in a description, or raise ``ModelFileError``."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        if not isinstance(value, dict):
            continue
        waiting += value.values()
        name = value.get("name", "")
        if isinstance(name, str) and not name.isprintable():
            raise ModelFileError("bad_name", source, f"the name {name[:60]!r}")


@contextlib.contextmanager
def refusals(source: str) -> Iterator[None]:
    """Turn what descriptions that fit nothing raise into ``ModelFileError``."""
    try:
        yield
    except ModelFileError:
        raise
    except RefusedConfig as error:
        raise ModelFileError(error.reason, source, str(error)) from error
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        MemoryError,
        NotImplementedError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        message = f"the described model cannot be made: {error}"
        raise ModelFileError("bad_config", source, message) from error
