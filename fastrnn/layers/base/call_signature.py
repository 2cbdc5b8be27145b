"""CallSignature: how the arguments of a ``call`` of the user's own are bound to its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastrnn.core.nest import flatten
from fastrnn.typing import Nest

# Arguments that every call may be given, and that only reach a `call` which names them.
_CONTEXT = ("training", "mask")


class Arguments(NamedTuple):
    """The arguments of one call.

    Attributes:
        inputs: the first one.
        options: the others, in the order of the signature, without the following two.
        training: as it was given, ``None`` if not.
        mask: likewise.
    """

    inputs: Nest
    options: dict[str, Any]
    training: bool | None
    mask: Nest


class CallSignature:
    """The parameters of a ``call``.

    Args:
        call: the method, with ``self``.
        owner: name of the class, for messages.

    Attributes:
        names: of the parameters, without ``self``.
        takes_training: whether ``call`` asks for ``training``.
        takes_mask: whether it asks for ``mask``.
        default_training: what ``training`` is where nobody says it.
        needs_more: whether ``call`` cannot be called with the inputs alone.

    >>> class Layer:
    ...     def call(self, query, value=None, *, causal=False, training=None): ...
    >>> CallSignature(Layer.call, "Layer").bind((1, 2), {"causal": True, "training": True})
    Arguments(inputs=1, options={'value': 2, 'causal': True}, training=True, mask=None)
    """

    def __init__(self, call: Callable[..., Any], owner: str) -> None:
        self._signature = inspect.signature(call)
        self._owner = owner
        parameters = list(self._signature.parameters.values())[1:]
        self.names = [p.name for p in parameters]
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self._named = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
        self.takes_training = "training" in self.names
        self.takes_mask = "mask" in self.names[1:]
        default = self._signature.parameters["training"].default if self.takes_training else None
        self.default_training = default if isinstance(default, bool) else False
        single = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        self.needs_more = any(
            p.default is p.empty and p.kind not in single and p.name not in _CONTEXT
            for p in parameters[1:]
        )

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Arguments:
        """Return the arguments of a call.

        Raises:
            TypeError: there are too few or too many, or one is unknown.
        """
        taken = (self.takes_training, self.takes_mask)
        given = {
            name: kwargs.pop(name)
            for name, known in zip(_CONTEXT, taken, strict=True)
            if name in kwargs and not known
        }
        try:
            bound = self._signature.bind(None, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self._owner}.call(): {error}") from None
        arguments = dict(list(bound.arguments.items())[1:])
        arguments |= arguments.pop(self._named, {}) if self._named else {}
        first = self.names[0] if self.names else ""
        inputs = arguments.pop(first, None)
        if first == self._rest:
            inputs = list(inputs or ())
        for name, known in zip(_CONTEXT, taken, strict=True):
            if known:
                given[name] = arguments.pop(name, None)
        return Arguments(inputs, arguments, given.get("training"), given.get("mask"))

    def call(self, method: Callable[..., Any], inputs: Nest, options: dict[str, Any]) -> Any:
        """Call ``method``, which has these parameters, with what ``bind`` took apart."""
        if not self.names:
            return method()
        known = {self.names[0]: inputs, **options}
        if self._rest in known:
            known[self._rest] = tuple(known[self._rest])
        ordered = _ordered(self._signature, known, self._named)
        bound = inspect.BoundArguments(self._signature, ordered)
        return method(*bound.args[1:], **bound.kwargs)

    def masks(
        self,
        inputs: Nest,
        options: dict[str, Any],
        mask: Nest,
        with_inputs: Nest,
        others: dict[str, Any],
    ) -> tuple[Any, dict[str, Any]]:
        """Return the ``mask`` that ``call`` gets, and those that it asks for as ``query_mask``.

        Args:
            inputs: the first argument.
            options: the others.
            mask: as it was given.
            with_inputs: the mask that came with the inputs.
            others: the masks that came with the other arguments, by their names.
        """
        sole = len(self.tensor_arguments(inputs, options)) == 1
        if mask is None and sole:
            mask = with_inputs
        if sole:
            return (mask if self.takes_mask else None), {}
        found = {f"{name}_mask": m for name, m in {self.names[0]: with_inputs, **others}.items()}
        wanted = [n for n, m in found.items() if m is not None and n in self.names]
        masks = {name: found[name] for name in wanted if options.get(name) is None}
        return (mask if self.takes_mask else None), masks

    def tensor_arguments(self, inputs: Nest, options: dict[str, Any]) -> dict[str, Any]:
        """Return those arguments that are tensors or hold some, by their names."""
        everything = {self.names[0]: inputs, **options}
        return {
            name: value
            for name, value in everything.items()
            if name not in (self._rest, self._named) and any(map(_is_tensor, flatten(value)))
        }


def _ordered(signature: inspect.Signature, known: dict[str, Any], named: str | None) -> Any:
    """Return arguments in the order of a signature, those that it does not name in ``named``."""
    names = list(signature.parameters)
    arguments = {names[0]: None} | {n: known[n] for n in names if n in known}
    more = {name: value for name, value in known.items() if name not in names}
    if named and more:
        arguments[named] = more
    return arguments


def _is_tensor(value: object) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def shapes_for(
    method: Callable[..., Any], tensors: dict[str, Any], shape_of: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return the arguments of a ``build`` or ``compute_output_shape``, as Keras gives them.

    A method of one parameter gets the shape of the first tensor; one of several gets the shape of
    ``query`` as ``query_shape``.

    Args:
        method: the method, bound.
        tensors: the arguments of ``call`` that are tensors, by their names.
        shape_of: gives the shapes of an argument.

    Raises:
        ValueError: a parameter is named after no argument of ``call``.
    """
    kinds = inspect.signature(method).parameters.values()
    names = [p.name for p in kinds if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if not names:
        return {}
    if len(names) == 1:
        first = next(iter(tensors.values()), None)
        return {names[0]: None if first is None else shape_of(first)}
    found = {}
    for name in names:
        argument = name.removesuffix("_shape")
        if argument != name and argument in tensors:
            found[name] = shape_of(tensors[argument])
    required = [p.name for p in kinds if p.default is p.empty and p.name in names]
    missing = [name for name in required if name not in found]
    if missing and len(missing) == len(required) == 1:
        return {missing[0]: shape_of(next(iter(tensors.values())))}
    if missing:
        raise ValueError(
            f"`{method.__name__}` takes {', '.join(names)}: with more than one argument, each is "
            "named after an argument of `call` with `_shape` behind it, as in "
            f"{method.__name__}(self, query_shape, value_shape). Received: {', '.join(tensors)}."
        )
    return found


def name_arguments(layer: Any, inputs: Any, others: Sequence[Any], options: dict[str, Any]) -> Any:
    """Return the inputs of a call, also if they were given by name; name the other arguments.

    Raises:
        TypeError: there are too many, or no inputs.
    """
    kind = type(layer).__name__
    first, *names = layer.call_arguments
    if len(others) > len(names):
        message = f"{kind} takes {len(names) + 1} argument(s) without names"
        raise TypeError(f"{message}; {len(others) + 1} were given.")
    options.update(zip(names, others, strict=False))
    found = options.pop(first, None) if inputs is None else inputs
    if found is None:
        raise TypeError(f"{kind} is called with `{first}`, which is missing.")
    return found
