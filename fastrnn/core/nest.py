"""Nested lists, tuples and dicts: the structure of what models take and give.

Dicts are walked in the order of their keys, as Keras does: it decides the order of the layers of a
model, and so of its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Test = Callable[[Any], bool]


def is_node(value: object) -> bool:
    """Whether ``value`` is a list, tuple or dict, which holds others."""
    return isinstance(value, (list, tuple, dict))


def is_shape(value: object) -> bool:
    """Whether ``value`` is one shape: a tuple or list of lengths, ``None`` among them."""
    return isinstance(value, (list, tuple)) and not any(map(is_node, value))


def holds_shapes(value: object) -> bool:
    """Whether ``value`` are several shapes, and not one."""
    return is_node(value) and not is_shape(value)


def is_nested(value: object) -> bool:
    """Whether ``value`` is a list, tuple or dict that holds others."""
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, (list, tuple)) and any(map(is_node, value))


def never(value: object) -> bool:
    """Return ``False``: nothing but what is no list, tuple or dict is a leaf."""
    return False


def flatten(value: Any, is_leaf: Test = never) -> list[Any]:
    """Return what a structure holds, depth first; what is no list, tuple or dict is a leaf.

    >>> flatten({"a": 1, "b": [2, (3, None)]})
    [1, 2, 3, None]
    """
    if is_leaf(value) or not is_node(value):
        return [value]
    return [leaf for _, entry in _entries(value) for leaf in flatten(entry, is_leaf)]


def _entries(node: Any) -> Iterable[tuple[Any, Any]]:
    """Return keys (or numbers) and entries of a list, tuple or dict."""
    return sorted(node.items(), key=_by_name) if isinstance(node, dict) else enumerate(node)


def _by_name(item: tuple[Any, Any]) -> str:
    return str(item[0])


def unflatten(structure: Any, values: Iterable[Any], is_leaf: Test = never) -> Any:
    """Return a structure with ``values`` in the place of its leaves, in their order.

    >>> unflatten({"a": 1, "b": [2, (3,)]}, "xyz")
    {'a': 'x', 'b': ['y', ('z',)]}
    """
    stream = iter(values)

    def build(part: Any) -> Any:
        if is_leaf(part) or not is_node(part):
            return next(stream)
        if isinstance(part, dict):
            return {key: build(entry) for key, entry in _entries(part)}
        return type(part)(build(entry) for entry in part)

    return build(structure)


def flatten_up_to(structure: Any, value: Any, is_leaf: Test = never) -> list[Any] | None:
    """Return the entries of ``value`` at the leaves of a structure, in its order.

    Lists and tuples are as good as each other, and dicts may have more keys. ``None`` if ``value``
    is of another structure.

    >>> flatten_up_to({"a": 1, "b": [2, 3]}, {"b": ("x", "y"), "a": "z", "c": "w"})
    ['z', 'x', 'y']
    """
    if not is_node(structure):
        return None if is_node(value) and not is_leaf(value) else [value]
    if isinstance(structure, dict):
        if not isinstance(value, dict) or any(key not in value for key in structure):
            return None
        pairs = [(part, value[key]) for key, part in _entries(structure)]
    else:
        if not isinstance(value, (list, tuple)) or len(value) != len(structure):
            return None
        pairs = list(zip(structure, value, strict=True))
    found: list[Any] = []
    for part, entry in pairs:
        inner = flatten_up_to(part, entry, is_leaf)
        if inner is None:
            return None
        found += inner
    return found


def paths(structure: Any, names: Iterable[str]) -> list[str]:
    """Return a name for each leaf: the keys that lead to it; of an entry of a list its own name.

    Args:
        structure: of symbolic tensors, or of anything else.
        names: the leaves' own names, in their order.

    >>> paths({"a": 1, "b": [2, {"c": 3}]}, ["x", "y", "z"])
    ['a', 'b/y', 'b/1/c']
    """
    stream = iter(names)

    def walk(part: Any, path: tuple[str, ...], keyed: bool) -> list[str]:
        if not is_node(part):
            own = next(stream)
            return ["/".join(path if keyed else (*path[:-1], own))]
        keyed = isinstance(part, dict)
        return [name for key, one in _entries(part) for name in walk(one, (*path, str(key)), keyed)]

    return walk(structure, (), False)
