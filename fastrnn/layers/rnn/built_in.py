"""Recurrent layers of built-in cells: they take the options of their cell as their own."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from fastrnn import regularizers
from fastrnn.core.class_table import to_snake_case
from fastrnn.core.old_arguments import renamed
from fastrnn.core.options import option_names
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.rnn.base import RecurrentLayer
from fastrnn.layers.rnn.recurrent_cell import CellOptions, RecurrentCell
from fastrnn.typing import Config

Parameter = inspect.Parameter


class BuiltInOptions(CellOptions, total=False):
    """The options of all layers here, behind those of their cells."""

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    use_cudnn: bool | str


class BuiltInLayer(RecurrentLayer):
    """A recurrent layer that makes its cell.

    A subclass names the cell, ``class LSTM(BuiltInLayer, cell=LSTMCell, last=...)``, and with it
    has the options of the cell: in its constructor, as attributes and in its config.

    Args (of the class):
        cell: class of the cell.
        last: options that stand behind all others in the constructor's signature, in Keras's order.
    """

    cell_class: ClassVar[type[RecurrentCell]]

    if TYPE_CHECKING:

        def __init__(self, units: int, *args: Any, **kwargs: Unpack[BuiltInOptions]) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(
        cls, cell: type[RecurrentCell] | None = None, last: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if cell is None:  # a class of the user's
            return
        cls.cell_class = cell
        for name in _own_options(cell):
            setattr(
                cls, name, property(operator.attrgetter(f"cell.{name}"), doc=f"The cell's {name}.")
            )
        constructor = _constructor(cls, cell, _signature(cell, last))
        type.__setattr__(cls, "__init__", constructor)

    def get_config(self) -> Config:
        """Return the constructor arguments."""
        config, of_cell = super().get_config(), self.cell.get_config()
        own = {name: of_cell[name] for name in of_cell if name not in config}
        penalty = regularizers.serialize(self.activity_regularizer)
        return {**config, **own, "activity_regularizer": penalty}


def _own_options(cell: type[RecurrentCell]) -> list[str]:
    """Return the names of a cell's options, but those of all layers."""
    return [name for name in option_names(cell) if name not in option_names(Layer)]


def _signature(cell: type[RecurrentCell], last: Sequence[str]) -> inspect.Signature:
    """Return the signature of a layer of ``cell``: the cell's options, then the layer's.

    The penalty on the outputs stands behind that on the bias.
    """
    known: dict[str, Parameter] = {}
    for init in (Layer.__init__, RecurrentLayer.__init__, cell.__init__):
        known |= inspect.signature(init).parameters
    penalty = known["activity_regularizer"].replace(kind=Parameter.POSITIONAL_OR_KEYWORD)
    of_cell = [p for n, p in inspect.signature(cell.__init__).parameters.items() if n not in last]
    behind = [known[name] for name in last]
    names = [p.name for p in of_cell]
    of_cell.insert(names.index("bias_regularizer") + 1, penalty)
    first = [p for p in of_cell if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
    rest = [p for p in of_cell if p.kind is not Parameter.POSITIONAL_OR_KEYWORD]
    return inspect.Signature([*first, *behind, *rest])


def _constructor(cls: type, cell: type[RecurrentCell], signature: inspect.Signature) -> Any:
    """Return the ``__init__`` of a layer class: it makes the cell, and then the layer of it."""
    of_cell = [*_own_options(cell), "implementation"]
    name = to_snake_case(cell.__name__)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if not kwargs.keys() <= signature.parameters.keys():
            kwargs = renamed(type(self), signature.parameters, kwargs)
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        del given["self"]
        given |= given.pop("kwargs", {})
        options = {option: given.pop(option) for option in of_cell if option in given}
        shared = {"dtype": given.get("dtype"), "trainable": given.get("trainable", True)}
        RecurrentLayer.__init__(self, cell(**options, **shared, name=name), **given)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__
