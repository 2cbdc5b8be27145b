"""Layer: what all layers share. Weights, building, checks, calls and gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import _reading, config, constraints, errors, initializers, regularizers
from fastrnn._registry import Registry
from fastrnn.checks import to_float_array, to_list, to_name
from fastrnn.layers import symbolic
from fastrnn.layers.naming import auto_name
from fastrnn.layers.structures import check_gradients, flatten, shape_of, to_shapes, unshared
from fastrnn.layers.variable import Variable, name_scope

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]
# d_inputs, d_weights = pullback(d_outputs); d_weights in the order of `trainable_weights`.
Pullback = Callable[[Any], tuple[Any, list[Array]]]

registry = Registry("layer", "keras.layers")


@dataclass(slots=True)
class CallContext:
    """What one call of a model tells every layer in it.

    Attributes:
        training: whether dropout drops and batch statistics are updated.
        gradient: whether the call must return a pullback.
        input_gradient: whether the pullback must return the gradient of the inputs; layers for
            which that saves work return ``None`` where it need not.
        penalties: collects activity penalties during training and evaluation; ``None`` elsewhere.
    """

    training: bool = False
    gradient: bool = False
    input_gradient: bool = True
    penalties: list[float] | None = None

    @property
    def is_inference(self) -> bool:
        """Whether outputs are all that is wanted, as in a call by the user."""
        return not (self.training or self.gradient) and self.penalties is None


INFERENCE = CallContext()


class Layer:
    """A function of arrays with weights.

    A subclass implements ``forward`` and, where they differ from the defaults,
    ``make_weights``, ``compute_output_shape``, ``compute_mask`` and ``get_config``.

    Args:
        activity_regularizer: penalty on the layer's outputs, by name or object.
        trainable: whether training changes the layer's weights.
        dtype: ``"float32"`` or ``"float64"``; ``None`` means ``config.floatx()``.
        name: the layer's name; ``None`` makes one from the class name.

    Raises:
        ValueError: an argument is unknown or invalid.
    """

    supports_masking = False
    # Whether the layer is called with one argument for each input, and not with a list of them.
    separate_inputs = False
    # Rank of the inputs that the layer takes: exactly, or at least.
    input_rank: int | None = None
    min_input_rank: int | None = None
    # What the axes of the inputs are called in messages.
    input_axes: str = "(batch, …)"

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._input_shape_arg = _legacy_input_shape(kwargs)
        if kwargs:
            raise ValueError(errors.unknown_arguments(type(self).__name__, kwargs))
        self.name = auto_name(type(self).__name__) if name is None else to_name("name", name)
        self.dtype = (
            config.floatx() if dtype is None else config.standard_float_type("dtype", dtype)
        )
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self.built = False
        self._build_shape: Any = None
        # Features (last axis) that the weights were built for; None accepts any.
        self.input_features: int | None = None
        self._variables: list[Variable] = []
        # Calls on symbolic tensors.
        self.nodes: list[symbolic.Node] = []

    # ---- weights -------------------------------------------------------------------------

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

    def make_weights(self, input_shape: Any) -> None:
        """Make the weights of the layer and of the layers inside it, for ``build``."""

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
        reading = _reading.current()
        if reading is not None and reading.has_weight(shape, name):
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

    @property
    def sublayers(self) -> list[Layer]:
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

    # ---- calls ---------------------------------------------------------------------------

    def forward(
        self, inputs: Any, context: CallContext, **options: Any
    ) -> tuple[Any, Pullback | None]:
        """Compute the outputs and, if ``context.gradient``, the pullback; else ``None``.

        Args:
            inputs: arrays of the layer's dtype, C-contiguous, checked against the input rank.
            context: see ``CallContext``.
            options: ``mask`` and ``initial_state``, for the layers that take them.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `forward`.")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the outputs for inputs of ``input_shape``."""
        return tuple(input_shape)

    def compute_call_shape(self, input_shape: Any, options: dict[str, Any]) -> Any:
        """Return the shape of the outputs of a call with ``options``."""
        return self.compute_output_shape(input_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that travels on with the outputs."""
        return mask if self.supports_masking else None

    def __call__(
        self, inputs: Any, *, training: bool | None = None, mask: Any = None, **options: Any
    ) -> Any:
        """Compute the outputs for arrays ``inputs``; on symbolic tensors, note the call.

        Args:
            inputs: array, converted to the layer's dtype; or what ``Input`` returns, or another
                layer called on it, for a functional model.
            training: whether dropout drops and batch statistics are updated.
            mask: boolean, (batch, timesteps), True where a step counts; layers without time
                axis ignore it.
            options: further arguments of the layer's own, such as ``initial_state``.

        Returns:
            Array, or a tuple of arrays where the layer has several outputs. For symbolic tensors,
            such tensors.

        Raises:
            ValueError: inputs of another rank, other features or no real numbers.
        """
        if symbolic.is_symbolic(inputs):
            return symbolic.call(self, inputs, {"training": training, "mask": mask, **options})
        context = CallContext(training=bool(training))
        inputs = self.convert_inputs(inputs)
        return unshared(self.run(inputs, context, mask=mask, **options)[0], inputs)

    def vjp(
        self, inputs: Any, *, training: bool | None = None, mask: Any = None, **options: Any
    ) -> tuple[Any, Pullback]:
        """Compute the outputs, and a function that carries gradients back.

        Args are those of a call.

        Returns:
            ``outputs, pullback``. ``d_inputs, d_weights = pullback(d_outputs)`` multiplies
            the gradient of a scalar by the layer's Jacobian: ``d_outputs`` has the structure and
            shapes of ``outputs`` (``None`` for an output that does not matter), ``d_inputs``
            those of ``inputs`` (``[d_inputs, *d_initial_state]`` where an ``initial_state`` was
            given, ``None`` for integer inputs), and ``d_weights`` the order of
            ``trainable_weights``. The pullback may be called more than once, before the weights
            change.

        Raises:
            ValueError: as a call does; the pullback raises it for gradients of other shapes.
        """
        context = CallContext(training=bool(training), gradient=True)
        inputs = self.convert_inputs(inputs)
        outputs, pullback = self.run(inputs, context, mask=mask, **options)
        assert pullback is not None

        def checked_pullback(d_outputs: Any) -> tuple[Any, list[Array]]:
            d_outputs = check_gradients(d_outputs, outputs)
            d_inputs, d_weights = pullback(d_outputs)
            return unshared(d_inputs, d_outputs), d_weights

        return unshared(outputs, inputs), checked_pullback

    def run(self, inputs: Any, context: CallContext, **options: Any) -> tuple[Any, Pullback | None]:
        """Check and convert the inputs, build if needed, compute. Models call this."""
        inputs = self.convert_inputs(inputs)
        if not self.built:
            self.build(shape_of(inputs))
        self.check_inputs(inputs)
        outputs, pullback = self.forward(inputs, context, **options)
        if self.activity_regularizer is not None and context.penalties is not None:
            pullback = self._add_activity_penalty(outputs, pullback, context)
        return outputs, pullback

    def run_masked(
        self, inputs: Any, context: CallContext, mask: Any = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Run, and return also the mask that travels on with the outputs.

        With tensors among the options, the mask only travels past the layer, as in Keras.
        """
        inputs = self.convert_inputs(inputs)
        switches = all(isinstance(value, bool) for value in options.values())
        outputs, pullback = self.run(inputs, context, mask=mask if switches else None, **options)
        return outputs, pullback, self.compute_mask(inputs, mask)

    def infer(self, inputs: Any, mask: Any = None) -> tuple[Any, Any]:
        """Return the outputs alone, and the mask that travels on: the short way for models."""
        outputs, _, out_mask = self.run_masked(inputs, INFERENCE, mask)
        return outputs, out_mask

    def convert_inputs(self, inputs: Any) -> Any:
        """Return ``inputs`` as a C-contiguous array of the layer's dtype."""
        return to_float_array("inputs", inputs, self.dtype)

    def arrange(self, inputs: Any) -> Any:
        """Return symbolic inputs in the structure in which the layer takes them."""
        return inputs

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if rank or features are not what the layer takes."""
        rank = inputs.ndim
        least = self.min_input_rank
        if self.input_rank is not None and rank != self.input_rank:
            expected = f"rank {self.input_rank}, {self.input_axes}, for layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))
        if least is not None and rank < least:
            expected = f"rank {least} or more, {self.input_axes}, for layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))
        if self.input_features is not None and inputs.shape[-1] != self.input_features:
            expected = (
                f"{self.input_features} features in the last axis, as {self.name!r} was built"
            )
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def _add_activity_penalty(
        self, outputs: Any, pullback: Pullback | None, context: CallContext
    ) -> Pullback | None:
        """Add penalty(output) / batch for every output; its gradient joins d_outputs."""
        assert context.penalties is not None
        context.penalties.extend(self.activity_penalties(outputs))
        if pullback is None:
            return None
        return lambda d_outputs: pullback(self.with_penalty_gradient(outputs, d_outputs))

    def activity_penalties(self, outputs: Any) -> list[float]:
        """Return the activity penalty of every output, divided by the batch."""
        return [float(self.activity_regularizer(y)) / y.shape[0] for y in flatten(outputs)]

    def with_penalty_gradient(self, outputs: Any, d_outputs: Any) -> Any:
        """Return ``d_outputs`` plus the gradients of the outputs' activity penalties."""
        gradient = self.activity_regularizer.gradient
        d_penalty = [gradient(y) / y.dtype.type(y.shape[0]) for y in flatten(outputs)]
        given = flatten(d_outputs) if d_outputs is not None else [None] * len(d_penalty)
        total = [p if d is None else d + p for d, p in zip(given, d_penalty, strict=True)]
        return tuple(total) if isinstance(outputs, tuple) else total[0]

    @property
    def input(self) -> Any:
        """The symbolic tensors that the layer was called on, if it was once."""
        return symbolic.sole_node(self).inputs

    @property
    def output(self) -> Any:
        """The symbolic tensors that this call gave."""
        return symbolic.sole_node(self).result

    # ---- streams ---

    def stream(self, batch_size: int = 1, threads: int = 1) -> Any:
        """Return a ``fastrnn.streaming.Stream``: this layer, one time step at a time.

        Args:
            batch_size: number of sequences that go side by side.
            threads: that share large steps; the stream makes its own at once, see ``Stream``.

        Raises:
            ValueError: the layer, or one inside it, needs more than the steps up to now, or has
                no weights yet.
        """
        from fastrnn.streaming import make_stream

        return make_stream(self, batch_size, threads)

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs one after the other: a model's own, or this one."""
        return [self]

    # ---- configuration -------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments that make this layer again, as plain data."""
        return {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": self.dtype,
        }

    @property
    def saved_variables(self) -> list[Variable]:
        """The variables of the layer itself in Keras's files: trainable ones first, then others."""
        return sorted(self._variables, key=lambda variable: not variable.trainable)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what ``build_from_config`` needs, ``None`` where there is nothing to build."""
        has_weights = type(self).make_weights is not Layer.make_weights
        return {"input_shape": self._build_shape} if self._build_shape and has_weights else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Make the weights as they were made when ``get_build_config`` was called."""
        if config.get("input_shape"):
            self.build(config["input_shape"])

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer, without weights, from what ``get_config`` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _legacy_input_shape(kwargs: dict[str, Any]) -> Shape | None:
    """Take ``input_shape`` or ``input_dim`` out of ``kwargs``, as Keras still accepts them."""
    shape = kwargs.pop("input_shape", None)
    dim = kwargs.pop("input_dim", None)
    if dim is not None and shape is None:
        shape = (dim,)
    if shape is None:
        return None
    warnings.warn(
        "Do not pass `input_shape` or `input_dim` to a layer: in a Sequential model, put an "
        "`Input(shape)` object first.",
        UserWarning,
        stacklevel=4,
    )
    return tuple(shape)


def iterate_layers(layer: Layer) -> Iterator[Layer]:
    """Yield ``layer`` and all layers inside it, depth first."""
    yield layer
    for inner in layer.sublayers:
        yield from iterate_layers(inner)
