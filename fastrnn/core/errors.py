"""Error messages: what came, what is expected, how to mend it. Every message is built here."""

from __future__ import annotations

from collections.abc import Iterable


def bad_argument(argument: str, received: object, expected: str, remedy: str = "") -> str:
    """Say that ``argument`` has a value that cannot be used.

    >>> print(bad_argument("units", -1, "a positive integer"))
    Invalid value for argument `units`: expected a positive integer. Received: units=-1.
    """
    message = f"Invalid value for argument `{argument}`: expected {expected}. "
    return _with_remedy(f"{message}Received: {argument}={received!r}.", remedy)


def not_one_of(argument: str, received: object, known: Iterable[object]) -> str:
    """Say that ``argument`` is none of the values ``known``."""
    names = ", ".join(repr(name) for name in sorted(known, key=str))
    return bad_argument(argument, received, f"one of {names}")


def bad_shape(argument: str, received: Iterable[object], expected: str, remedy: str = "") -> str:
    """Say that the array ``argument`` has the wrong shape; ``received`` is its shape."""
    message = f"Argument `{argument}` has an incompatible shape: expected {expected}. "
    return _with_remedy(f"{message}Received: shape {tuple(received)}.", remedy)


def bad_dtype(argument: str, received: object, expected: str, remedy: str = "") -> str:
    """Say that the array ``argument`` holds values of a type that cannot be used."""
    message = f"Argument `{argument}` has an incompatible dtype: expected {expected}. "
    return _with_remedy(f"{message}Received: dtype {received}.", remedy)


def bad_out(out: object, shape: tuple[int, ...], dtype: object) -> str:
    """Say that ``out`` is no array that results of ``shape`` can be written to."""
    received = f"{type(out).__name__} {getattr(out, 'shape', '')} {getattr(out, 'dtype', '')}"
    expected = f"a writeable, C-contiguous array of shape {shape} and dtype {dtype}"
    return bad_argument("out", received.strip(), expected)


def not_streamable(name: str, kind: str, reason: str) -> str:
    """Say that the layer ``name`` of class ``kind`` cannot be run one step at a time."""
    return f"Layer {name!r} ({kind}) cannot be streamed: {reason}."


def unknown_arguments(owner: str, names: Iterable[str]) -> str:
    """Say that ``owner`` does not take the keyword arguments ``names``."""
    listed = ", ".join(sorted(names))
    return f"Unrecognized keyword arguments passed to {owner}: {listed}."


def for_inference_alone(name: str, mode: str) -> str:
    """Say that a layer with quantized weights does not train, nor change its weights."""
    return (
        f"Layer {name!r} is quantized ({mode}), for inference alone: its weights cannot be trained "
        "or changed. Train or load a model that is not quantized (models.clone_model makes one of "
        "the same configuration), and quantize that."
    )


def missing_extra(package: str, extra: str, purpose: str) -> str:
    """Say that ``purpose`` needs ``package``, and which extra brings it."""
    return f"{purpose} needs the package {package}: pip install 'fastrnn[{extra}]'."


def _with_remedy(message: str, remedy: str) -> str:
    return f"{message} {remedy}" if remedy else message
