"""HasWeights: the weights of a layer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import constraints, initializers, regularizers
from fastrnn.core import errors, load_budget
from fastrnn.core.checks import to_list
from fastrnn.core.variable import Variable, name_scope
from fastrnn.layers.base.structures import to_shapes
from fastrnn.layers.base.weight_options import WeightOptions
from fastrnn.typing import DTypeLike

Array = npt.NDArray[Any]


class HasWeights:
    """The weights of a layer, and of the layers inside it."""

    name: str
    dtype: str
    # Whether layers and variables in attributes are the layer's, as with classes of the user's.
    tracks_attributes = False
    # Values that were given for the weights, until there are weights.
    _initial_weights: Any = None
    # Whether the class has a `call` of the user's.
    has_own_call = False

    def __init__(self, trainable: bool) -> None:
        self._trainable = bool(trainable)
        self.built = self._has_nothing_to_build()
        self._is_building = False
        self._build_shape: Any = None
        self._variables: list[Variable] = []
        # Those that a class of the user's adds to those of the built-in layer below it.
        self._added_variables: list[Variable] = []
        self._is_adding = self.tracks_attributes

    def build(self, input_shape: Any) -> None:
        """Make the weights, inside the layer's own name scope; once is enough.

        Args:
            input_shape: shape of the inputs, batch first, ``None`` where a length is unknown.

        Raises:
            ValueError: it is no shape, or not one that the layer can take. Nothing is changed then.
        """
        if self._is_building:  # a subclass's `build` goes on here
            self.make_weights_of_base(input_shape)
        elif not self.built:
            input_shape = to_shapes(input_shape)
            with self.building(input_shape):
                self.make_weights_of_base(input_shape)
                self.make_weights_inside(input_shape)

    def make_weights_of_base(self, input_shape: Any) -> None:
        """Make the weights of the layer, apart from those that a class of the user's adds."""
        self._is_adding = False
        try:
            self.make_weights(input_shape)
        finally:
            self._is_adding = self.tracks_attributes

    @contextlib.contextmanager
    def building(self, build_shape: Any) -> Iterator[None]:
        """Make weights inside, in the layer's own name scope; if that fails, there are none."""
        before = len(self._variables), len(self._added_variables)
        self._is_building = True
        try:
            with name_scope(self.name):
                yield
        except Exception:
            del self._variables[before[0] :], self._added_variables[before[1] :]
            self.built = False
            raise
        finally:
            self._is_building = False
        self.built = True
        self._build_shape = build_shape
        if self._initial_weights is not None:
            values, self._initial_weights = self._initial_weights, None
            self.set_weights(values)

    @classmethod
    def _has_nothing_to_build(cls) -> bool:
        """Whether the class has no weights, no layers inside, and no ``build`` of the user's."""
        own = (cls.build, cls.make_weights, cls.sublayers)
        none = (HasWeights.build, HasWeights.make_weights, HasWeights.sublayers)
        return own == none and not cls.has_own_call

    def make_weights(self, input_shape: Any) -> None:
        """Make the weights of the layer and of the layers inside it, for ``build``."""

    def make_weights_inside(self, input_shape: Any) -> None:
        """Make the weights of layers that the user's ``call`` calls, for ``build``."""

    @property
    def lacks_weights(self) -> bool:
        """Whether the layer has weights to make, and ``build`` has not made them yet."""
        return not self.built and type(self).make_weights is not HasWeights.make_weights

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what ``build_from_config`` needs, ``None`` where there is nothing to build."""
        has_weights = (
            self.tracks_attributes or type(self).make_weights is not HasWeights.make_weights
        )
        return {"input_shape": self._build_shape} if self._build_shape and has_weights else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Make the weights as they were made when ``get_build_config`` was called."""
        if config.get("input_shape"):
            self.build(config["input_shape"])

    def add_weight(
        self,
        *args: Any,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        dtype: DTypeLike = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a weight and keep it.

        Args:
            *args: the shape, the initializer and the dtype; or a name and a shape, as in Keras 2.
            shape: its shape, or its length; a number unless given.
            initializer: of its values; ``"glorot_uniform"`` for floats, else ``"zeros"``.
            dtype: its type, that of the layer unless given.
            trainable: whether training changes it.
            regularizer: penalty that training adds to the loss.
            constraint: function applied to its value after each update.
            autocast, aggregation, overwrite_with_gradient: accepted; they have no effect here.
            name: last part of its path.

        Raises:
            ValueError: an argument is invalid, or the initializer gives another shape.
        """
        given = {
            "shape": shape,
            "initializer": initializer,
            "dtype": dtype,
            "trainable": trainable,
            "regularizer": regularizer,
            "constraint": constraint,
            "name": name,
        }
        options = WeightOptions.of(args, given, self.dtype)
        name = options.name or self._free_name()
        init = initializers.get(options.initializer)
        if load_budget.take_weight(options.shape, name):  # the values are those of a file
            init = np.zeros
        value = np.asarray(init(options.shape, dtype=options.dtype), dtype=options.dtype)
        if value.shape != options.shape:
            expected = f"{options.shape}, that of the weight {name!r}"
            raise ValueError(errors.bad_shape("initializer", value.shape, expected))
        with contextlib.nullcontext() if self._is_building else name_scope(self.name):
            variable = Variable(
                value,
                name=name,
                trainable=bool(options.given["trainable"]),
                regularizer=regularizers.get(options.given["regularizer"]),
                constraint=constraints.get(options.given["constraint"]),
            )
        (self._added_variables if self._is_adding else self._variables).append(variable)
        vars(self).pop("_tracked", None)  # see `own_class`
        return variable

    def _free_name(self) -> str:
        """Return a name for a weight that was given none: variable, variable_1 …"""
        taken = {variable.name for variable in (*self._variables, *self._added_variables)}
        names = (f"variable_{k}" if k else "variable" for k in range(len(taken) + 1))
        return next(name for name in names if name not in taken)

    def add_part(self, part: str, shape: Sequence[int], name: str | None = None) -> Variable:
        """Make a weight with the options ``part_initializer``, …_regularizer and …_constraint."""
        return self.add_weight(
            shape,
            getattr(self, f"{part}_initializer"),
            name=name or part,
            regularizer=getattr(self, f"{part}_regularizer"),
            constraint=getattr(self, f"{part}_constraint"),
        )

    @property
    def sublayers(self) -> list[Any]:
        """Layers inside this one, in the order of their weights."""
        return []

    @property
    def own_variables(self) -> list[Variable]:
        """The variables of the layer itself, in order of creation."""
        return self._variables

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights of this layer and of the layers inside it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers:
            layer.trainable = value

    @property
    def weights(self) -> list[Variable]:
        """All weights, the layer's own in order of creation and then those of its sublayers."""
        found = self.own_variables + [w for layer in self.sublayers for w in layer.weights]
        return _once(found)

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that training changes."""
        if not self._trainable:
            return []
        own = [w for w in self.own_variables if w.trainable]
        return _once(own + [w for layer in self.sublayers for w in layer.trainable_weights])

    @property
    def weights_of_call(self) -> list[Variable]:
        """The weights whose gradients the pullback of a call returns, in their order."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Weights that training does not change by gradients."""
        trainable = {id(w) for w in self.trainable_weights}
        return [w for w in self.weights if id(w) not in trainable]

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def weight_penalties(self) -> list[float]:
        """Penalties of the regularizers on the weights that training changes."""
        return [float(w.regularizer(w.value)) for w in self.trainable_weights if w.regularizer]

    def get_weights(self) -> list[Array]:
        """Return copies of all weight arrays, in the order of ``weights``."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Overwrite all weights, in the order of ``weights``.

        Raises:
            ValueError: the number of arrays, a shape or a dtype does not fit; nothing is changed.
        """
        own = self.weights
        if len(to_list("weights", weights)) != len(own):
            raise ValueError(
                errors.bad_argument(
                    "weights", f"{len(weights)} arrays", f"{len(own)} arrays for {self.name!r}"
                )
            )
        arrays = [np.asarray(value) for value in weights]
        for variable, array in zip(own, arrays, strict=True):
            variable.require_unfrozen()
            if array.shape != variable.shape:
                expected = f"{variable.shape}, that of {variable.path!r}"
                raise ValueError(errors.bad_shape("weights", array.shape, expected))
            if array.dtype.kind not in "fiub":
                raise ValueError(errors.bad_dtype("weights", array.dtype, "real numbers"))
        for variable, array in zip(own, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """Return the number of scalars in all weights.

        Raises:
            ValueError: the layer is not built yet.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.name!r} has no weights yet. Build it first: call it on data, or "
                "call build(input_shape)."
            )
        return sum(w.value.size for w in self.weights)

    def gradients_of(self, *pairs: tuple[Variable | None, Array | None]) -> list[Array]:
        """Return the gradients of those of the layer's own variables that training changes."""
        if not self._trainable:
            return []
        return [g for v, g in pairs if v is not None and g is not None and v.trainable]

    @property
    def saved_variables(self) -> list[Variable]:
        """The variables of the layer itself in Keras's files: trainable ones first, then others."""
        return sorted(self.own_variables, key=lambda variable: not variable.trainable)

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The attributes in which inner layers may stand, in the order of Keras's files."""
        return in_saved_order({k: value for k, value in vars(self).items() if k != "nodes"})


def _once(variables: list[Variable]) -> list[Variable]:
    """Return variables without repetitions: a layer may stand in several."""
    return list({id(variable): variable for variable in variables}.values())


def in_saved_order(attributes: dict[str, object]) -> list[tuple[str, object]]:
    """Return attributes in the order in which Keras visits them: by name, private ones last."""
    return sorted(attributes.items(), key=lambda item: (item[0].startswith("_"), item[0]))
