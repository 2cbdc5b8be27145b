"""Building: the object that a description from a file makes, within what the file is worth."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TypeVar

from fastrnn.core import deserialization, load_budget
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.formats.description import check_description
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
    with refusals(where):
        check_description(config)
        with load_budget.within(scalars), deserialization.making():
            made = deserialization.deserialize(config)
            if not isinstance(made, kind):
                raise ModelFileError("not_a_model", where, "the description of no model")
            deserialization.build_as_described(made, config)
        return made


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
