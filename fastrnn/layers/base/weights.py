"""HasWeights: the weights of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import constraints, initializers, regularizers
from fastrnn.core import errors, load_budget
from fastrnn.core.checks import to_list
from fastrnn.core.variable import Variable, name_scope
from fastrnn.layers.base.structures import to_shapes

Array = npt.NDArray[Any]


class HasWeights:
    """The weights of a layer, and of the layers inside it."""

    name: str
    dtype: str
    # Values that were given for the weights, until there are weights.
    _initial_weights: Any = None

    def __init__(self, trainable: bool) -> None:
        self._trainable = bool(trainable)
        self.built = False
        self._build_shape: Any = None
        self._variables: list[Variable] = []

    def build(self, input_shape: Any) -> None:
        """Make the weights, inside the layer's own name scope; once is enough.

        Args:
            input_shape: shape of the inputs, batch first, ``None`` where a length is unknown.

        Raises:
            ValueError: it is no shape, or not one that the layer can take. Nothing is changed then.
        """
        if self.built:
            return
        input_shape = to_shapes(input_shape)
        before = len(self._variables)
        try:
            with name_scope(self.name):
                self.make_weights(input_shape)
        except Exception:
            del self._variables[before:]
            raise
        self.built = True
        self._build_shape = input_shape
        if self._initial_weights is not None:
            values, self._initial_weights = self._initial_weights, None
            self.set_weights(values)

    def make_weights(self, input_shape: Any) -> None:
        """Make the weights of the layer and of the layers inside it, for ``build``."""

    @property
    def lacks_weights(self) -> bool:
        """Whether the layer has weights to make, and ``build`` has not made them yet."""
        return not self.built and type(self).make_weights is not HasWeights.make_weights

    def add_weight(
        self,
        shape: Sequence[int],
        initializer: Any = None,
        trainable: bool = True,
        name: str = "variable",
        regularizer: Any = None,
        constraint: Any = None,
    ) -> Variable:
        """Make a weight of the layer's dtype and keep it. Without initializer: glorot_uniform."""
        init = initializers.get("glorot_uniform" if initializer is None else initializer)
        if load_budget.take_weight(shape, name):  # the values are those of a file
            init = np.zeros
        value = np.asarray(init(tuple(shape), dtype=self.dtype), dtype=self.dtype)
        if value.shape != tuple(shape):
            expected = f"{tuple(shape)}, that of the weight {name!r}"
            raise ValueError(errors.bad_shape("initializer", value.shape, expected))
        variable = Variable(
            value,
            name,
            trainable=trainable,
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )
        self._variables.append(variable)
        return variable

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
        return self._variables + [w for layer in self.sublayers for w in layer.weights]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that training changes."""
        if not self._trainable:
            return []
        own = [w for w in self._variables if w.trainable]
        return own + [w for layer in self.sublayers for w in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Weights that training does not change by gradients."""
        trainable = {id(w) for w in self.trainable_weights}
        return [w for w in self.weights if id(w) not in trainable]

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def losses(self) -> list[float]:
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
        return sorted(self._variables, key=lambda variable: not variable.trainable)

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The attributes in which inner layers may stand, in the order of Keras's files."""
        return in_saved_order({k: value for k, value in vars(self).items() if k != "nodes"})


def in_saved_order(attributes: dict[str, object]) -> list[tuple[str, object]]:
    """Return attributes in the order in which Keras visits them: by name, private ones last."""
    return sorted(attributes.items(), key=lambda item: (item[0].startswith("_"), item[0]))
