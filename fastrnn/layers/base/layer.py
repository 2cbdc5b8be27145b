"""Layer: calls, gradients and options of all layers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self, TypedDict, cast

import numpy.typing as npt

from fastrnn import config
from fastrnn.core import errors, tracing
from fastrnn.core.checks import to_float_array, to_name
from fastrnn.core.naming import auto_name
from fastrnn.core.options import KINDS, ConfigOrder, Configurable, Flag, takes_options
from fastrnn.core.registry import Registry
from fastrnn.core.user_warnings import deprecated
from fastrnn.core.variable import Variable
from fastrnn.layers.base import own_class, symbolic
from fastrnn.layers.base.call_signature import CallSignature, name_arguments
from fastrnn.layers.base.calls import HasCalls
from fastrnn.layers.base.capabilities import Capabilities, step_rank
from fastrnn.layers.base.context import INFERENCE, TRAINING, CallContext, Pullback
from fastrnn.layers.base.dtypes import HasDType
from fastrnn.layers.base.input_spec import HasInputSpec, check_compatible
from fastrnn.layers.base.losses import HasLosses
from fastrnn.layers.base.stated_input import take_stated_shape
from fastrnn.layers.base.streaming import Stream, make_stream
from fastrnn.layers.base.structures import check_gradients, copy_if_aliased, shape_of
from fastrnn.layers.base.traced import Traces, tensors_of_variables
from fastrnn.typing import DTypeLike, Identifier, Nest, RegularizerLike, ShapeLike

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]
registry = Registry("layer", "keras.layers")


# Those layers that have it in their configs say so by naming it.
Penalty = Annotated[Identifier, replace(KINDS["regularizer"], in_config=False)]


class CommonOptions(TypedDict, total=False):
    """The options of all layers, which constructors hand on."""

    trainable: bool
    dtype: DTypeLike
    name: str | None
    input_shape: ShapeLike | None
    input_dim: int | None


class LayerOptions(CommonOptions, total=False):
    """The same, for layers that have a penalty on their outputs without naming it."""

    activity_regularizer: RegularizerLike


class Layer(Configurable, HasLosses, Capabilities, HasInputSpec, HasDType, HasCalls):
    """A function of arrays with weights.

    A subclass writes ``call``, with layers, operators and ``fastrnn.ops``, as in Keras, and
    ``build`` or ``add_weight`` for weights; ``call`` is followed once for each form of its
    arguments, and the graph of it is what runs. Or, for speed, it implements ``forward`` with its
    own gradient and, where they differ from the defaults, ``make_weights``,
    ``compute_output_shape`` and ``compute_mask``. ``get_config`` follows from the arguments of its
    constructor, or is written by hand.

    Args:
        activity_regularizer: penalty on the layer's outputs, by name or object.
        trainable: whether training changes the layer's weights.
        dtype: a type of floats or a policy; ``None`` means ``config.dtype_policy()``.
        name: the layer's name; ``None`` makes one from the class name.

    Raises:
        ValueError: an argument is unknown or invalid.

    >>> import numpy as np
    >>> from fastrnn.layers import Dense, Layer
    >>> class Gated(Layer):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.value, self.gate = Dense(units), Dense(units, activation="sigmoid")
    ...     def call(self, inputs):
    ...         return self.value(inputs) * self.gate(inputs)
    >>> layer = Gated(2)
    >>> layer(np.ones((4, 3))).shape, layer.count_params()
    ((4, 2), 16)
    """

    supports_masking = False
    # Whether `call` is the user's, and traced; what its parameters are; whether `build` is.
    has_own_call = False
    call_signature: ClassVar[CallSignature]
    has_own_build = False
    _traces: Traces
    # Whether the layer is called with one argument for each input, and not with a list of them.
    separate_inputs = False
    # Whether a mask counts where the layer is called with further tensors, such as states.
    masks_beside_tensors = False
    # Keras's names of the arguments of a call that may be given without them.
    call_arguments: tuple[str, ...] = ("inputs",)
    # The number of the first call where files name a model's inputs and outputs.
    first_call = 0

    config_order: ClassVar[ConfigOrder] = ("name", "trainable", "dtype")

    dtype: str
    # What a script says of the inputs, batch first; and what it only hopes for.
    stated_shape: Shape | None
    likely_shape: Shape | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own_class.complete(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a layer; of a class of the user's, note the arguments for its config."""
        layer: Any = super().__new__(cls)
        if cls.tracks_attributes:
            layer._config_arguments = own_class.arguments_for_config(cls, args, kwargs)
        return layer

    @takes_options
    def __init__(
        self,
        *,
        activity_regularizer: Penalty = None,
        trainable: Flag = True,
        dtype: DTypeLike = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.stated_shape = take_stated_shape(
            kwargs, type(self).__name__, "timesteps" in self.input_axes
        )
        if "weights" in kwargs:
            deprecated(f"{type(self).__name__}(weights=…)", "layer.set_weights(…)")
            self._initial_weights = kwargs.pop("weights")
        if kwargs:
            raise ValueError(errors.unknown_arguments(type(self).__name__, kwargs))
        self.name = auto_name(type(self).__name__) if name is None else to_name("name", name)
        self.dtype = config.layer_dtype(dtype)
        super().__init__(trainable)
        # Features (last axis) that the weights were built for; None accepts any.
        self.input_features: int | None = None
        # Calls on symbolic tensors.
        self.nodes: list[symbolic.Node] = []
        if self.has_own_call or self.tracks_attributes:  # also a model with a `train_step` alone
            self._traces = Traces()

    @property
    def class_name(self) -> str:
        """What summaries and drawings call the layer's class."""
        return type(self).__name__

    @property
    def output_dtype(self) -> str:
        """Type of the outputs."""
        return self.dtype

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
        raise NotImplementedError(
            f"{type(self).__name__} does not implement `call`: write call(self, inputs), with "
            "layers, operators and fastrnn.ops; or, for speed, `forward` with its own gradient."
        )

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute what the layer computes: a subclass of a built-in layer may go on from there.

        Args are those of a call of the layer.

        Raises:
            NotImplementedError: the class is no built-in layer, and has no ``call`` of its own.
        """
        base = own_class.built_in_base(type(self))
        if base is type(self):
            return self(*args, **kwargs)
        view: Any = object.__new__(base)
        view.__dict__ = self.__dict__  # the same layer, as its base sees it
        return view(*args, **kwargs)

    @property
    def own_variables(self) -> list[Variable]:
        """The variables of the layer itself, in order of creation."""
        return own_class.tracked(self).variables if self.tracks_attributes else self._variables

    def build_for(self, inputs: Nest) -> None:
        """Make the weights for arrays."""
        self.build(shape_of(inputs))

    def output_shapes_for(self, inputs: Nest) -> Any:
        """Return the shapes of the outputs for arrays."""
        return self.compute_output_shape(shape_of(inputs))

    def call_specs(self, inputs: Nest, options: dict[str, Any]) -> tuple[Any, list[str] | None]:
        """Return shapes and dtypes of the outputs of a call on symbolic tensors.

        Args:
            inputs: the first argument.
            options: the others.

        Returns:
            The shapes; and the dtypes in their order, ``None`` where all are the layer's.
        """
        return self.compute_call_shape(symbolic.shapes_in(inputs), options), None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the outputs for inputs of ``input_shape``."""
        return tuple(input_shape)

    def compute_call_shape(self, input_shape: Any, options: dict[str, Any]) -> Any:
        """Return the shape of the outputs of a call with ``options``."""
        return self.compute_output_shape(input_shape)

    def summary_entries(self) -> list[tuple[Layer, Any]]:
        """Return the layers inside, and the shapes of their outputs, where it is a model."""
        return []

    def calls(self, input_shape: Any) -> list[symbolic.Node] | None:
        """Return the calls of the layers inside, where the layer is a model; else ``None``."""
        return None

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that travels on with the outputs."""
        return mask if self.supports_masking else None

    def __call__(
        self,
        inputs: Any = None,
        *others: Any,
        training: bool | None = None,
        mask: Any = None,
        **options: Any,
    ) -> Any:
        """Compute the outputs for arrays ``inputs``; on symbolic tensors, note the call.

        Args:
            inputs: array, converted to the layer's dtype; or what ``Input`` returns, or another
                layer called on it, for a functional model. Keras's name for it is taken too.
            others: further arguments of the layer's own without their names, as in Keras.
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
        if self.has_own_call:  # called from a `__call__` of the user's, in the same class
            given = {"training": training, "mask": mask}
            options.update({name: value for name, value in given.items() if value is not None})
            args = () if inputs is None else (inputs, *others)
            return own_class.OwnCall.__call__(cast(own_class.OwnCall, self), *args, **options)
        if others or inputs is None:
            inputs = name_arguments(self, inputs, others, options)
        traced = tracing.active() is not None
        plain = mask is None and not (training or options or traced)
        if plain and (outputs := self.infer(inputs)) is not None:
            return outputs
        if traced or symbolic.is_symbolic(inputs):
            inputs = tensors_of_variables(inputs)
            return symbolic.call(self, inputs, {"training": training, "mask": mask, **options})
        inputs = self.accept(inputs)
        context = TRAINING if training else INFERENCE
        return copy_if_aliased(self.run(inputs, context, mask, **options)[0], inputs)

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
        inputs = self.accept(inputs)
        outputs, pullback, _ = self.run(inputs, context, mask, **options)
        assert pullback is not None

        def checked_pullback(d_outputs: Any) -> tuple[Any, list[Array]]:
            d_outputs = check_gradients(d_outputs, outputs)
            d_inputs, d_weights = pullback(d_outputs)
            return copy_if_aliased(d_inputs, d_outputs), d_weights

        return copy_if_aliased(outputs, inputs), checked_pullback

    def infer(self, inputs: Any) -> Any:
        """Return the outputs of a call of the inputs alone, or ``None`` to take the longer way.

        A layer answers here if an engine takes the inputs as they are and checks them itself.
        """
        return None

    def accept(self, inputs: Any) -> Any:
        """Return the inputs as ``run`` takes them: converted once, and checked; build if needed.

        Raises:
            ValueError: the layer cannot take them.
        """
        inputs = self.convert_inputs(inputs)
        if not self.built:
            self.build_for(inputs)
        if self._given_spec is not None:
            check_compatible(self._given_spec, inputs, self.name)
        self.check_inputs(inputs)
        return inputs

    def run(
        self, inputs: Any, context: CallContext, mask: Any = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Compute, for inputs that ``accept`` returned.

        Returns:
            The outputs; the pullback, if ``context.gradient``; the mask that travels on.
        """
        outputs, pullback = self.forward(inputs, context, mask=mask, **options)
        if self.activity_regularizer is not None and context.penalties is not None:
            pullback = self.add_activity_penalty(outputs, pullback, context)
        return outputs, pullback, self.compute_mask(inputs, mask)

    def convert_inputs(self, inputs: Any) -> Any:
        """Return ``inputs`` as a C-contiguous array of the layer's dtype."""
        return to_float_array("inputs", inputs, self.dtype)

    def arrange(self, inputs: Any) -> Any:
        """Return symbolic inputs in the structure in which the layer takes them."""
        return inputs

    # ---- streams ----

    def stream(self, batch_size: int = 1, threads: int = 1) -> Stream:
        """Return a ``fastrnn.streaming.Stream``: this layer, one time step at a time.

        Args:
            batch_size: number of sequences that are stepped together.
            threads: that share large steps; the stream makes its own at once, see ``Stream``.

        Raises:
            ValueError: the layer, or one inside it, needs more than the steps up to now, or has
                no weights yet.
        """
        return make_stream(self, batch_size, threads)

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs one after the other: a model's own, or this one."""
        return [self]

    def stream_step(self, inputs: Any, states: Nest) -> tuple[Any, list[Array]]:
        """Compute one time step outside training: see ``Capabilities``."""
        if step_rank(self) == inputs.ndim:  # it takes sequences: one of one step
            return self.run(self.accept(inputs[:, None]), INFERENCE)[0][:, 0], []
        return self.run(self.accept(inputs), INFERENCE)[0], []

    def snapshot(self) -> Self:
        """Return a copy with weights of its own, and without the calls on tensors."""
        memo: dict[int, Any] = {id(inner.nodes): [] for inner in iterate_layers(self)}
        return copy.deepcopy(self, memo)

    # ---- configuration -------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, as plain data."""
        return own_class.complete_config(self, super().get_config(), Layer.get_config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def iterate_layers(layer: Layer) -> Iterator[Layer]:
    """Yield ``layer`` and all layers inside it, depth first."""
    yield layer
    for inner in layer.sublayers:
        yield from iterate_layers(inner)
