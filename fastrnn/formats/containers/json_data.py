"""JSON from files: parsed within limits, and such that every reader sees the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Container
from typing import Any

from fastrnn.formats import limits
from fastrnn.formats.model_file_error import ModelFileError

_DUNDER = re.compile("__.*__", re.DOTALL)


def parse_json(data: bytes, source: str, dunder_keys: Container[str] = ()) -> Any:
    """Return the value that JSON text stands for.

    Args:
        data: the text in UTF-8.
        source: its file and place, for messages.
        dunder_keys: the keys like ``__this__`` that the format has.

    Returns:
        Dicts, lists, strings, ints, floats, bools and ``None``, of limited size and depth.

    Raises:
        ModelFileError: ``json_size``, ``json_text``, ``not_json``, ``json_depth``, ``json_key``,
            ``json_number`` or ``json_surrogate``.

    >>> parse_json(b'{"units": 4}', "config.json")
    {'units': 4}
    """
    marks = sum(data.count(mark) for mark in (b",", b":", b"[", b"{"))
    if len(data) > limits.JSON_BYTES or marks > limits.JSON_VALUES:
        message = f"more than {limits.JSON_BYTES} bytes or {limits.JSON_VALUES} values"
        raise ModelFileError("json_size", source, message)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError("json_text", source, f"no UTF-8: {error.reason}") from error
    if text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}"):
        raise ModelFileError("json_text", source, "a byte order mark, which JSON must not have")
    value = _decode(text, source, dunder_keys)
    _check_tree(value, source)
    return value


def _decode(text: str, source: str, dunder_keys: Container[str]) -> Any:
    def number_error(literal: str, expected: str) -> ModelFileError:
        return ModelFileError("json_number", source, f"{literal[:40]}, where {expected}")

    def to_float(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            raise number_error(literal, "a finite number is expected")
        return value

    def to_int(literal: str) -> int:
        if len(literal.lstrip("-")) > limits.JSON_INTEGER_DIGITS or abs(int(literal)) >= 2**63:
            raise number_error(literal, "an integer of 64 bits is expected")
        return int(literal)

    def to_constant(literal: str) -> Any:
        raise number_error(literal, "a finite number is expected")

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise ModelFileError("json_key", source, "an object with the same key twice")
        for key in value:
            if _DUNDER.fullmatch(key) and key not in dunder_keys:
                raise ModelFileError("json_key", source, f"the key {key[:40]!r}")
        return value

    try:
        return json.loads(
            text,
            object_pairs_hook=to_object,
            parse_float=to_float,
            parse_int=to_int,
            parse_constant=to_constant,
        )
    except json.JSONDecodeError as error:
        raise ModelFileError("not_json", source, str(error)) from error
    except RecursionError as error:
        raise ModelFileError("json_depth", source, _too_deep()) from error


def _too_deep() -> str:
    return f"nested more than {limits.JSON_DEPTH} deep"


def _check_tree(value: object, source: str) -> None:
    """Check depth and strings of a value, without a recursion that the file could make deep."""
    level = [value]
    for _ in range(limits.JSON_DEPTH + 1):
        strings = [item for item in level if isinstance(item, str)]
        strings += [key for item in level if isinstance(item, dict) for key in item]
        try:
            "".join(strings).encode()
        except UnicodeEncodeError as error:
            message = "half a surrogate pair in a string"
            raise ModelFileError("json_surrogate", source, message) from error
        lists = [item for item in level if isinstance(item, list)]
        lists += [list(item.values()) for item in level if isinstance(item, dict)]
        level = [inner for items in lists for inner in items]
        if not lists:
            return
    raise ModelFileError("json_depth", source, _too_deep())
