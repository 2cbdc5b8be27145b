"""Own classes: what layers and models get that a user wrote Keras's way.

Their attributes are tracked, their ``build`` is done inside the layer's name scope, their ``call``
is traced, and their config follows from the arguments of ``__init__``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fastrnn.core import tracing
from fastrnn.core.nest import flatten, is_node
from fastrnn.core.variable import Variable
from fastrnn.layers.base.call_signature import CallSignature
from fastrnn.layers.base.own_call import OwnCall
from fastrnn.layers.base.weights import HasWeights

_PACKAGE = str(Path(__file__).parents[2])
# Attributes of all layers, in which nothing of the user's stands.
_NOT_TRACKED = {
    "nodes",
    "_variables",
    "_added_variables",
    "_traces",
    "_build_shape",
    "_config_arguments",
    "objectives",
    "_tracked",
}
# Types of arguments that a config may hold where the user has not written `get_config`.
_PLAIN = (str, int, float, bool, type(None))


def complete(cls: type) -> None:
    """Complete a subclass of ``Layer`` if it was written outside of the package."""
    own = [name for name, value in vars(cls).items() if _is_own(value)]
    if not own:
        return
    layer: Any = cls
    layer.tracks_attributes = True
    if "sublayers" not in own:
        layer.sublayers = property(lambda self: list(tracked(self).layers))
    if not _is_own(inspect.getattr_static(cls, "__setattr__")):
        layer.__setattr__ = _set_attribute
    if "build" in own:
        layer.build, layer.has_own_build = _inside_scope(vars(cls)["build"]), True
    if "compute_mask" in own and "supports_masking" not in vars(cls):
        layer.supports_masking = True
    if "call" in own and "forward" not in own:
        _trace_call(layer)
    elif "forward" in own and layer.has_own_call:
        raise TypeError(
            f"{cls.__name__} has a `forward`, and a class above it a `call`: write `call` alone."
        )


def _is_own(value: object) -> bool:
    """Whether an entry of a class is a function or property that is not the package's."""
    function = getattr(value, "fget", None) or getattr(value, "__func__", value)
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename.startswith(_PACKAGE):
        return False
    # Examples in docstrings have the name of the module that they stand in.
    example = code.co_filename.startswith("<doctest")
    return example or not str(function.__module__).startswith("fastrnn.")


def _trace_call(cls: Any) -> None:
    """Let the ``call`` of a class be traced."""
    cls.call_signature = CallSignature(vars(cls)["call"], cls.__name__)
    if cls.has_own_call:
        return
    cls.has_own_call = True
    for name, method in vars(OwnCall).items():
        if inspect.isfunction(method) and not _is_own(inspect.getattr_static(cls, name, None)):
            setattr(cls, name, method)


def _inside_scope(build: Callable[..., None]) -> Callable[..., None]:
    """Return a user's ``build`` as it is called: once, and inside the layer's name scope."""

    @functools.wraps(build)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        if self._is_building:
            build(self, *args, **kwargs)
        elif not self.built:
            shapes = [*args, *kwargs.values()]
            with self.building(shapes[0] if len(shapes) == 1 else kwargs or None):
                build(self, *args, **kwargs)

    return wrapped


# ---- attributes --------------------------------------------------------------------------------


def built_in_base(cls: type) -> type:
    """Return the first class of the package among a class and those above it."""
    return next(
        kind
        for kind in cls.__mro__
        if not vars(kind).get("tracks_attributes") and issubclass(kind, HasWeights)
        and (kind.__module__ or "").startswith("fastrnn.")
    )  # fmt: skip


class Tracked(NamedTuple):
    """What stands in the attributes of a layer.

    Attributes:
        layers: those of its built-in base, then those in attributes, lists, tuples and dicts.
        variables: those of the layer itself, trainable ones first, as in Keras.
        lengths: the lists and dicts, with what they held then.
    """

    layers: list[Any]
    variables: list[Variable]
    lengths: list[tuple[Any, int]]


def tracked(layer: Any) -> Tracked:
    """Return the layers and variables of a layer; looked up anew until it is built."""
    known: Tracked | None = vars(layer).get("_tracked")
    if known is not None and all(len(held) == n for held, n in known.lengths):
        return known
    base = built_in_base(type(layer))
    inherited = inspect.getattr_static(base, "sublayers").fget(layer)
    inside = {id(w) for inner in inherited for w in [inner, *inner.sublayers]}
    layers = {id(inner): inner for inner in inherited}
    variables = {id(v): v for v in (*layer._variables, *layer._added_variables)}
    lengths: list[tuple[Any, int]] = []
    for name, value in vars(layer).items():
        if name in _NOT_TRACKED:
            continue
        if is_node(value):
            lengths.append((value, len(value)))
        for leaf in _entries(value):
            if isinstance(leaf, Variable):
                variables.setdefault(id(leaf), leaf)
            elif isinstance(leaf, HasWeights) and id(leaf) not in inside:
                layers.setdefault(id(leaf), leaf)
    ordered = sorted(variables.values(), key=lambda variable: not variable.trainable)
    found = Tracked(list(layers.values()), ordered, lengths)
    if layer.built:
        vars(layer)["_tracked"] = found
    return found


def _set_attribute(self: Any, name: str, value: Any) -> None:
    """Set an attribute; what it holds is the layer's from now on.

    ``call`` is followed anew if it reads the attribute.
    """
    changes = name in vars(self) and vars(self)[name] is not value
    # What `call` itself sets while it is followed is not there when the graph runs.
    changes = changes and type(tracing.active()) is not tracing.Trace
    cls: Any = type(self)
    if changes and self.has_own_call and name in _names_in_call(cls):
        self._traces.forget()
    object.__setattr__(self, name, value)
    if name == "built" or isinstance(value, (HasWeights, Variable)) or is_node(value):
        vars(self).pop("_tracked", None)


@functools.lru_cache(maxsize=256)
def _names_in_call(cls: type) -> frozenset[str]:
    """Return the names in a class's ``call``, and in the user's methods that it names in turn."""
    found: set[str] = set()
    waiting = ["call"]
    while waiting:
        name = waiting.pop()
        for entry in (vars(c)[name] for c in cls.__mro__ if name in vars(c)):
            function = getattr(entry, "fget", None) or getattr(entry, "__func__", entry)
            codes = [inspect.unwrap(function).__code__] if _is_own(entry) else []
            while codes:
                code = codes.pop()
                codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
                waiting += [name for name in code.co_names if name not in found]
                found.update(code.co_names)
    return frozenset(found)


def _entries(value: Any) -> Iterator[Any]:
    """Give a value, or what stands in nested lists, tuples and dicts, in their order."""
    if not is_node(value):
        yield value
        return
    for entry in value.values() if isinstance(value, dict) else value:
        yield from _entries(entry)


# ---- configs -----------------------------------------------------------------------------------


def arguments_for_config(cls: type, args: Any, kwargs: dict[str, Any]) -> dict[str, Any] | None:
    """Return the arguments of ``__init__`` that a config can hold, with defaults; else ``None``.

    As in Keras, they are plain data: a class that takes anything else writes ``get_config``.
    """
    signature = _init_signature(cls)
    parameters = signature.parameters.values()
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError:  # `__init__` will say so
        return None
    bound.apply_defaults()
    arguments = dict(list(bound.arguments.items())[1:])
    for p in parameters:
        if p.kind is p.VAR_KEYWORD:
            arguments |= arguments.pop(p.name, {})
        elif p.kind is p.VAR_POSITIONAL and arguments.pop(p.name, ()):
            return None
    arguments.pop("name", None)
    plain = all(isinstance(leaf, _PLAIN) for leaf in flatten(arguments))
    return arguments if plain else None


def _init_signature(cls: Any) -> inspect.Signature:
    return inspect.signature(cls.__init__)


def complete_config(
    layer: Any, config: dict[str, Any], get_config: Callable[..., Any]
) -> dict[str, Any]:
    """Return the config of a layer; where its class says none, with its arguments.

    Args:
        layer: the layer.
        config: the options of all layers.
        get_config: that of all layers: a class with another one says it by hand.

    Raises:
        NotImplementedError: an argument is no plain data.
    """
    cls: Any = type(layer)
    base: Any = built_in_base(cls) if cls.tracks_attributes else cls
    if cls.get_config is not get_config or cls.__init__ is base.__init__:
        return config
    arguments = layer._config_arguments
    kind = cls.__name__
    if arguments is None:
        raise NotImplementedError(
            f"{kind} {layer.name!r} has arguments that are no plain data, so its configuration "
            "does not follow from them: write `get_config(self)`, which returns "
            "{**super().get_config(), …}."
        )
    parameters = _init_signature(type(layer)).parameters.values()
    names = {p.name for p in parameters}
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return {k: v for k, v in config.items() if anything or k in names} | arguments
