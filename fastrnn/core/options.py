"""Options: the constructor's signature as the one place where they are written.

``@takes_options`` above an ``__init__`` converts each argument by the kind that its annotation
names, stores it in the attribute of its name, and then runs the body with the converted values.
``Configurable`` reads the same signature to give the config.

>>> class Scaled(Configurable):
...     @takes_options
...     def __init__(self, factor: Share = 0.5, name: str | None = None) -> None:
...         pass
>>> Scaled(1).factor, Scaled(1, name="a").get_config()
(1.0, {'factor': 1.0, 'name': 'a'})
>>> Scaled(2)
Traceback (most recent call last):
ValueError: Invalid value for argument `factor`: expected a number from 0 to 1. Received: factor=2.

A subclass names what it adds. ``@extends_options`` puts the base's options behind them:

>>> class Shifted(Scaled):
...     @extends_options
...     def __init__(self, shift: Finite = 0.0, **options: Any) -> None:
...         super().__init__(**options)
>>> inspect.signature(Shifted)
<Signature (shift: 'Finite' = 0.0, factor: 'Share' = 0.5, name: 'str | None' = None) -> 'None'>
>>> Shifted(3, 0.25).get_config()
{'factor': 0.25, 'name': None, 'shift': 3.0}
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, ParamSpec, Self, TypeVar

from fastrnn.core import checks
from fastrnn.core.old_arguments import old_default, renamed
from fastrnn.core.registry import registry_of

P = ParamSpec("P")
T = TypeVar("T")
Parameter = inspect.Parameter
ConfigOrder = tuple[str | types.EllipsisType, ...]


# ---- kinds -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """What is done with the argument of an option.

    Attributes:
        convert: ``convert(argument, value)`` returns the value in its standard form, or raises
            ``ValueError`` with the argument's name.
        serialize: gives the value's form in a config.
        in_config: whether configs have the option.
        attribute: where its value is stored; "" is the attribute of its own name.
    """

    convert: Callable[[str, Any], Any] = lambda argument, value: value
    serialize: Callable[[Any], Any] = lambda value: value
    in_config: bool = True
    attribute: str = ""


def number(
    least: float = -float("inf"), most: float = float("inf"), *, exclusive: bool = False
) -> Kind:
    """Return the kind of finite numbers from ``least`` to ``most``, see ``checks.to_number``."""
    return Kind(lambda a, v: checks.to_number(a, v, least, most, exclusive=exclusive))


def choice(*known: object) -> Kind:
    """Return the kind of the values ``known``."""
    return Kind(lambda argument, value: checks.to_choice(argument, value, known))


def as_given(kind: Kind) -> Kind:
    """Return ``kind`` for an option that is checked by it and stored as it was given."""

    def check(argument: str, value: T) -> T:
        converted = kind.convert(argument, value)
        # A variable, such as the learning rate of an optimizer, is taken for its value.
        return converted if hasattr(value, "assign") else value

    return replace(kind, convert=check)


def of_table(module: str) -> Kind:
    """Return the kind of what a table of classes gives, by Keras's module for it."""
    return Kind(
        lambda argument, value: registry_of(module).get(value),
        lambda value: registry_of(module).serialize(value),
    )


# Kinds that are named in the aliases of `fastrnn.typing`; `fastrnn.activations` enters its own.
KINDS: dict[str, Kind] = {
    kind: of_table(f"keras.{kind}s") for kind in ("initializer", "regularizer", "constraint")
}

Finite = Annotated[float, number()]
NonNegative = Annotated[float, number(0)]
Positive = Annotated[float, number(0, exclusive=True)]
Share = Annotated[float, number(0, 1)]
Integer = Annotated[int, Kind(checks.to_int)]
PositiveInt = Annotated[int, Kind(checks.to_positive_int)]
Flag = Annotated[bool, Kind(lambda argument, value: bool(value))]
AxesOption = Annotated[int | tuple[int, ...], Kind(checks.to_axes)]
Name = Annotated[str, Kind(checks.to_name)]
# Accepted as None alone: what Keras has and fastrnn has not.
OnlyNone = Annotated[None, Kind(choice(None).convert, in_config=False)]
# An option that changes nothing, and that no config has.
Unused = Annotated[T, Kind(in_config=False)]
_PLAIN = Kind()


def _kind_of(annotation: Any) -> Kind:
    """Return the kind that an annotation names; that of ``X | None`` lets ``None`` pass."""
    if typing.get_origin(annotation) is Annotated:
        for note in annotation.__metadata__:
            if isinstance(note, Kind):
                return note
            if note in KINDS:
                return KINDS[note]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = typing.get_args(annotation)
        found = [_kind_of(member) for member in members if member is not type(None)]
        named = [kind for kind in found if kind is not _PLAIN]
        if named:
            return _or_none(named[0]) if type(None) in members else named[0]
    return _PLAIN


def _or_none(kind: Kind) -> Kind:
    return replace(
        kind,
        convert=lambda argument, value: None if value is None else kind.convert(argument, value),
        serialize=lambda value: None if value is None else kind.serialize(value),
    )


# ---- constructors ------------------------------------------------------------------------------


class _Constructor:
    """The options of one ``__init__``.

    Its signature has the base's options too, where it extends them; ``own`` are its own.
    """

    def __init__(
        self,
        function: Callable[..., None],
        extends: bool,
        after: Mapping[str, str],
        without: Sequence[str],
    ) -> None:
        self.function, self.extends = function, extends
        self.after, self.without = dict(after), set(without)
        self.signature = inspect.signature(function)
        named = list(self.signature.parameters.values())[1:]
        self.own = [p for p in named if p.kind is not Parameter.VAR_KEYWORD]
        self._positional = _positional_names(self.signature)
        self._defaults: dict[str, Any] = {}
        self._kinds: dict[str, Kind] | None = None
        # Names and kinds of what the config of the class has, once they were asked for.
        self.config: dict[str, Kind] | None = None

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each own option."""
        if self._kinds is None:
            notes = inspect.get_annotations(self.function, eval_str=True)
            self._kinds = {p.name: _kind_of(notes.get(p.name)) for p in self.own}
        return self._kinds

    def extend(self, base: inspect.Signature) -> None:
        """Put the options of the base into the signature, before those by keyword alone."""
        mine = [p for p in self.signature.parameters.values() if p.name != "self"]
        names = {p.name for p in mine if p.kind is not Parameter.VAR_KEYWORD} | self.without
        inherited = [p for n, p in base.parameters.items() if n not in names and n != "self"]
        rest = [p for p in inherited if p.kind is Parameter.VAR_KEYWORD]
        either = Parameter.POSITIONAL_OR_KEYWORD
        first = [p for p in mine if p.kind is either]
        last = [p.replace(kind=either) for p in mine if p.kind is Parameter.KEYWORD_ONLY]
        middle = [p for p in inherited if p not in rest]
        parameters = [Parameter("self", either), *first, *middle, *last, *rest]
        for name, place in self.after.items():
            moved = next(p for p in parameters if p.name == name)
            parameters.remove(moved)
            index = [p.name for p in parameters].index(place) + 1
            parameters.insert(index, moved)
        self.signature = self.signature.replace(parameters=parameters)
        self._positional = _positional_names(self.signature)

    def with_defaults(self, defaults: dict[str, Any]) -> None:
        """Give parameters of the signature other defaults."""
        self._defaults = defaults
        parameters = [
            p.replace(default=defaults[p.name]) if p.name in defaults else p
            for p in self.signature.parameters.values()
        ]
        self.signature = self.signature.replace(parameters=parameters)

    def arguments(self, cls: type, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return all arguments by name, those of own options converted."""
        name = self.function.__qualname__
        parameters = self.signature.parameters
        if not kwargs.keys() <= parameters.keys():
            kwargs = renamed(cls, parameters, kwargs)
        if len(args) > len(self._positional):
            most = len(self._positional)
            raise TypeError(f"{name}() takes at most {most} arguments, but {len(args)} were given")
        for argument, value in zip(self._positional, args, strict=False):
            if argument in kwargs:
                raise TypeError(f"{name}() got several values for argument {argument!r}")
            kwargs[argument] = value
        unknown = [argument for argument in kwargs if argument not in parameters]
        if unknown and not any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values()):
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown[0]!r}")
        for argument, value in self._defaults.items():
            kwargs.setdefault(argument, value)
        for argument, kind in self.kinds.items():
            value = kwargs.get(argument, parameters[argument].default)
            if value is Parameter.empty:
                value = old_default(cls, argument, value)
            if value is not Parameter.empty:
                kwargs[argument] = kind.convert(argument, value)
        return kwargs


def _positional_names(signature: inspect.Signature) -> list[str]:
    either = (p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD)
    return [p.name for p in either][1:]


def takes_options(init: Callable[P, None]) -> Callable[P, None]:
    """Let a constructor convert its arguments and store them; see the module."""
    return _decorate(init, _Constructor(init, False, {}, ()))


def extends_options(init: Callable[P, None]) -> Callable[P, None]:
    """Do the same, and let the options of the base stand in the signature too.

    They follow the constructor's own ones, but for those by keyword alone, which come last. The
    body hands them on: ``super().__init__(**options)``.
    """
    return _decorate(init, _Constructor(init, True, {}, ()))


def inserts_options(
    after: Mapping[str, str] | None = None, without: Sequence[str] = ()
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Do what ``extends_options`` does, with options of its own among those of the base.

    Args:
        after: for an option, the one that it follows in the signature.
        without: options of the base that the class has not.
    """
    return lambda init: _decorate(init, _Constructor(init, True, after or {}, without))


def _decorate(init: Callable[P, None], constructor: _Constructor) -> Callable[P, None]:
    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        arguments = constructor.arguments(type(self), args, kwargs)
        for name, kind in constructor.kinds.items():
            attribute = kind.attribute or name
            # What is a property belongs to somebody else, who gets it from the body.
            if name in arguments and not isinstance(getattr(type(self), attribute, None), property):
                setattr(self, attribute, arguments[name])
        constructor.function(self, **arguments)

    __init__.__constructor__ = constructor  # type: ignore[attr-defined]
    return typing.cast(Callable[P, None], __init__)


def _constructor_of(cls: type) -> _Constructor | None:
    return getattr(cls.__dict__.get("__init__"), "__constructor__", None)


# ---- classes -----------------------------------------------------------------------------------


class Configurable:
    """A class whose config follows from the options of its constructor.

    The base's options come first in a config, then those that the class adds, in the order of the
    signature. ``config_order`` names options that come before all others, and behind ``...`` those
    that come after them. What a class's constructor lacks is not in its config.
    """

    config_order: ClassVar[ConfigOrder] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _complete(cls)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, as plain data."""
        return {
            name: kind.serialize(getattr(self, kind.attribute or name))
            for name, kind in options_in_config(type(self)).items()
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make an object from what ``get_config`` returned."""
        return cls(**config)


def options_in_config(cls: type) -> dict[str, Kind]:
    """Return names and kinds of the options that configs of a class have, in their order."""
    owner = _owner(cls.__mro__)
    if owner is None:
        return {}
    constructor = typing.cast(_Constructor, _constructor_of(owner))
    if constructor.config is None:
        base = _owner(owner.__mro__[1:])
        inherited = {} if base is None else options_in_config(base)
        parameters = constructor.signature.parameters
        open_ended = any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
        found = {
            n: kind
            for n, kind in inherited.items()
            if n in parameters or (open_ended and n not in constructor.without)
        }
        found.update(constructor.kinds)
        constructor.config = {
            name: found[name]
            for name in _in_order(found, getattr(owner, "config_order", ()))
            if found[name].in_config
        }
    return constructor.config


def _owner(classes: Iterable[type]) -> type | None:
    """Return the first class whose own constructor takes options."""
    return next((cls for cls in classes if _constructor_of(cls) is not None), None)


def _in_order(names: Collection[str], order: ConfigOrder) -> list[str]:
    """Return ``names`` in the order that ``config_order`` gives."""
    split = order.index(...) if ... in order else len(order)
    first = [str(name) for name in order[:split] if name in names]
    last = [str(name) for name in order[split + 1 :] if name in names]
    middle = [name for name in names if name not in (*first, *last)]
    return [*first, *middle, *last]


def option_names(cls: type) -> list[str]:
    """Return the names of all options of a class, also of those that configs have not."""
    found: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        constructor = _constructor_of(base)
        if constructor is not None:
            names = dict.fromkeys([*found, *constructor.kinds])
            found = {name: None for name in names if name not in constructor.without}
    return list(found)


def values_of_options(obj: Configurable, base: type) -> dict[str, Any]:
    """Return the values of the options in the config of ``obj`` that ``base`` has not."""
    without = options_in_config(base)
    return {
        name: getattr(obj, kind.attribute or name)
        for name, kind in options_in_config(type(obj)).items()
        if name not in without
    }


def set_defaults(cls: type, **defaults: Any) -> None:
    """Give options of a class other defaults than those of its base."""
    constructor = _constructor_of(cls)
    if constructor is None:

        def __init__(self: Any, **options: Any) -> None:
            super(cls, self).__init__(**options)  # type: ignore[arg-type]

        __init__.__qualname__ = f"{cls.__qualname__}.__init__"
        type.__setattr__(cls, "__init__", extends_options(__init__))
        _complete(cls)
        constructor = typing.cast(_Constructor, _constructor_of(cls))
    constructor.with_defaults(defaults)
    cls.__init__.__signature__ = constructor.signature  # type: ignore[misc]


def _complete(cls: type) -> None:
    """Complete the signature of a class's own constructor by that of its base."""
    constructor = _constructor_of(cls)
    if constructor is None:
        return
    if constructor.extends:
        constructor.extend(inspect.signature(super(cls, cls).__init__))  # type: ignore[arg-type]
    cls.__init__.__signature__ = constructor.signature  # type: ignore[misc]
