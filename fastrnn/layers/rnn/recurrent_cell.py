"""RecurrentCell: the weights, options and dropout masks of a built-in cell."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np

from fastrnn import activations, config, initializers
from fastrnn.core import errors, random, tracing
from fastrnn.core.checks import to_float_array, to_number
from fastrnn.core.options import Kind, PositiveInt, takes_options
from fastrnn.core.seed_generator import to_generator
from fastrnn.core.variable import Variable
from fastrnn.engines.cells import CellSpec
from fastrnn.engines.contract import RecurrentCall
from fastrnn.engines.dispatch import rnn_backward, rnn_forward, step_inference
from fastrnn.engines.quantize import QuantizedWeights, quantize_weights
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback
from fastrnn.layers.base.options import Seed
from fastrnn.layers.base.symbolic import call as symbolic_call
from fastrnn.layers.base.symbolic import tensors_in
from fastrnn.layers.core.dense import known_features
from fastrnn.layers.regularization.dropout import dropout_factors
from fastrnn.typing import (
    ActivationLike,
    Array,
    Config,
    ConstraintLike,
    DTypeLike,
    Identifier,
    InitializerLike,
    Nest,
    RegularizerLike,
    Shape,
)


def _to_cell_activation(argument: str, identifier: Any) -> activations.Activation:
    activation = activations.get(identifier)
    if activation.builtin and activation.name in activations.NOT_FOR_CELLS:
        expected = "an activation that keeps the number of units and needs no arguments"
        raise ValueError(errors.bad_argument(argument, activation.name, expected))
    return activation


def _to_rate(argument: str, value: object) -> float:
    # Keras takes any number and cuts it off.
    return min(1.0, max(0.0, to_number(argument, value)))


CellActivation = Annotated[Identifier, Kind(_to_cell_activation, activations.serialize)]
Rate = Annotated[float, Kind(_to_rate)]


class CellOptions(LayerOptions, total=False):
    """The options that all cells share, behind the number of units."""

    activation: ActivationLike
    use_bias: bool
    kernel_initializer: InitializerLike
    recurrent_initializer: InitializerLike
    bias_initializer: InitializerLike
    kernel_regularizer: RegularizerLike
    recurrent_regularizer: RegularizerLike
    bias_regularizer: RegularizerLike
    kernel_constraint: ConstraintLike
    recurrent_constraint: ConstraintLike
    bias_constraint: ConstraintLike
    dropout: float
    recurrent_dropout: float
    seed: int | None
    zoneout: float
    cell_zoneout: float
    implementation: int


class GatedCellOptions(CellOptions, total=False):
    """The options of cells with gates."""

    recurrent_activation: ActivationLike


class RecurrentCell(Layer):
    """One step of a recurrent layer: its weights and options, for the cell of a ``CellSpec``.

    Args:
        units: length of the state.
        activation, recurrent_activation: see ``fastrnn.activations``.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: see ``fastrnn.initializers``.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: see ``fastrnn.regularizers``.
        kernel_constraint, recurrent_constraint, bias_constraint: see ``fastrnn.constraints``.
        dropout: share of the inputs that training drops; the same ones at all steps.
        recurrent_dropout: share of h_{t-1} that training drops, likewise. If it is not 0, each
            gate has masks of its own, for both dropouts.
        seed: seed of the dropout masks, or ``None`` for one that is drawn.
        zoneout: probability that training keeps a number of h_{t-1} in the place of its new value,
            drawn for each sample, step and unit; elsewhere h is the expectation (Krueger et al.,
            2016). It is in the configuration if it is not 0.
        cell_zoneout: the same of c, for the cells that have it. The new h is that of the new c.
        implementation: accepted and without effect.

    Weights: those of ``spec``: kernel (features, gates·units), recurrent_kernel (units,
    gates·units), bias, and others that a cell adds.
    """

    spec: CellSpec
    # The options that a weight has, by the first part of their names, if not by its own name.
    weight_options: ClassVar[dict[str, str]] = {"recurrent_kernel": "recurrent"}
    # Added to variances, by the cells that normalise.
    epsilon = 1e-3
    stream_refusal = "a cell has no steps of its own: stream a layer with it"

    units: int
    activation: activations.Activation
    recurrent_activation = activations.sigmoid
    use_bias: bool
    bias_initializer: Any
    bias_regularizer: Any
    bias_constraint: Any
    dropout: float
    recurrent_dropout: float
    zoneout: float
    cell_zoneout = 0.0

    @takes_options
    def __init__(
        self,
        units: PositiveInt,
        activation: CellActivation = "tanh",
        recurrent_activation: CellActivation = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: Rate = 0.0,
        recurrent_dropout: Rate = 0.0,
        seed: Seed = None,
        *,
        zoneout: Rate = 0.0,
        cell_zoneout: Rate = 0.0,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("implementation", None)
        super().__init__(**kwargs)
        self.generator = to_generator(seed)
        self.kernel: Variable
        self.recurrent_kernel: Variable
        self.bias: Variable | None
        for weight in self.spec.weights:
            if weight.optional:
                setattr(self, weight.name, None)
        # What the cell computes with in the place of its weights, once it is quantized.
        self.quantized: QuantizedWeights | None = None
        # The settings that it was made for, and the quick way to single steps.
        self._step: tuple[Any, Any] | None = None

    @property
    def quantization_mode(self) -> str | None:
        """``"int8"`` or ``"bf16"``, or ``None`` where the cell is not quantized."""
        return None if self.quantized is None else self.quantized.mode

    def quantize_weights(self, mode: str) -> QuantizedWeights:
        """Return the cell's weights quantized; nothing is changed.

        Raises:
            ValueError: the cell is not built, or quantized already; or as
                ``quantization.quantize_weights`` does.
        """
        if not self.built:
            remedy = "Build it first: call the model on data, or call build(input_shape)."
            raise ValueError(f"Layer {self.name!r} has no weights to quantize yet. {remedy}")
        if self.quantized is not None:
            expected = f"a layer that is not quantized; {self.name!r} is, as {self.quantized.mode}"
            raise ValueError(errors.bad_argument("mode", mode, expected))
        return quantize_weights(self.spec.name, mode, self.weight_values)

    def use_quantized(self, quantized: QuantizedWeights) -> None:
        """Compute with these weights from now on, and keep the cell's own as they are."""
        self.quantized = quantized
        for variable in self._variables:
            variable.freeze(errors.for_inference_alone(self.name, quantized.mode))

    @property
    def state_size(self) -> int | list[int]:
        """Length of the state, or of each state where there are several."""
        sizes = self.state_sizes
        return sizes[0] if len(sizes) == 1 else list(sizes)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Length of each state."""
        return self.spec.state_sizes(self.units, self.output_size)

    @property
    def output_size(self) -> int:
        """Length of the output."""
        return self.units

    def make_weights(self, input_shape: Shape) -> None:
        """Make the weights for inputs (batch, features)."""
        features = known_features(input_shape, self.name)
        self.input_features = features
        shapes = self.spec.weight_shapes(features, self.units, self.output_size)
        for weight in self.spec.weights:
            if self.use_bias or not weight.optional:
                setattr(self, weight.name, self._make_weight(weight.name, shapes[weight.name]))

    def _make_weight(self, name: str, shape: tuple[int, ...]) -> Variable:
        if name != "bias":
            return self.add_part(self.weight_options.get(name, name), shape, name)
        return self.add_weight(
            shape,
            initializer=self.initial_bias,
            name=name,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    @property
    def named_weights(self) -> dict[str, Variable | None]:
        """The weights by the names of the cell's spec, in its order."""
        return {weight.name: getattr(self, weight.name) for weight in self.spec.weights}

    @property
    def weight_values(self) -> dict[str, Array | None]:
        """The values of ``named_weights``, as ``contract.RecurrentCall`` takes them."""
        return {name: None if v is None else v.value for name, v in self.named_weights.items()}

    def initial_bias(self, shape: tuple[int, ...], dtype: DTypeLike = None) -> Array:
        """Return the bias before training."""
        initializer = self.bias_initializer or initializers.GlorotUniform()
        return initializer(shape, dtype=dtype)

    def draw_dropout(self, batch: int) -> tuple[Array | None, Array | None]:
        """Draw the masks of one training call, as ``contract.RecurrentCall`` takes them."""
        gates = len(self.spec.gates)
        inputs, recurrent = None, None
        if 0 < self.dropout < 1:
            masks = gates if self.recurrent_dropout != 0 else 1
            shape = (masks, batch, self.kernel.shape[0])
            inputs = dropout_factors(self.generator, shape, self.dropout, self.dtype)
        if 0 < self.recurrent_dropout < 1:
            shape = (gates, batch, self.output_size)
            recurrent = dropout_factors(self.generator, shape, self.recurrent_dropout, self.dtype)
        return inputs, recurrent

    def draw_zoneout(
        self, batch: int, timesteps: int, training: bool
    ) -> tuple[Array | float | None, ...]:
        """Return the share of each state's new value, as ``contract.RecurrentCall`` takes them."""
        if not self.has_zoneout:
            return ()
        shares: list[Array | float | None] = []
        for rate, size in zip((self.zoneout, self.cell_zoneout), self.state_sizes, strict=False):
            if not rate:
                shares.append(None)
            elif training:
                keep = random.keep_mask(self.generator, (timesteps, batch, size), rate)
                shares.append(keep.astype(self.dtype))
            else:
                shares.append(1 - rate)
        return tuple(shares)

    @property
    def has_zoneout(self) -> bool:
        """Whether a state takes a share of its new value alone."""
        return self.zoneout > 0 or self.cell_zoneout > 0

    def get_config(self) -> Config:
        """Return the constructor arguments; zoneout, which Keras has not, where it is not 0."""
        config = super().get_config()
        for name in ("zoneout", "cell_zoneout"):
            if not config.get(name):
                config.pop(name, None)
        return config

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return an array of zeros, (batch_size, units), for each state."""
        return [np.zeros((batch_size, size), self.dtype) for size in self.state_sizes]

    def to_states(self, argument: str, states: Nest) -> tuple[Array, ...]:
        """Return the states as a tuple of arrays, or raise ``ValueError`` if they are too few."""
        names = [state.name for state in self.spec.states]
        given = states if isinstance(states, (list, tuple)) else [states]
        if len(given) != len(names):
            expected = f"{len(names)} arrays, one for each of {', '.join(names)}"
            raise ValueError(errors.bad_argument(argument, f"{len(given)} arrays", expected))
        return tuple(to_float_array(argument, state, self.dtype) for state in given)

    def make_call(
        self, inputs: Array, states: tuple[Array, ...], context: CallContext, **options: Any
    ) -> RecurrentCall:
        """Return the call of the engine that runs the cell over ``inputs``."""
        input_dropout, recurrent_dropout = None, None
        if self.quantized is not None and (context.gradient or context.training):
            raise ValueError(errors.for_inference_alone(self.name, self.quantized.mode))
        if context.training:
            input_dropout, recurrent_dropout = self.draw_dropout(len(inputs))
        return RecurrentCall(
            cell=self.spec.name,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            x=inputs,
            weights=self.weight_values,
            initial_state=states,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            zoneout=self.draw_zoneout(inputs.shape[0], inputs.shape[1], bool(context.training)),
            epsilon=self.epsilon,
            save=context.gradient,
            input_gradient=context.input_gradient,
            quantized=self.quantized,
            **options,
        )

    def __call__(
        self, inputs: Any, states: Nest, training: bool = False
    ) -> tuple[Array, list[Array]]:
        """Compute one step.

        Args:
            inputs: (batch, features). On symbolic tensors the call is noted, as that of a layer.
            states: one (batch, units) array for each state, in a list, or the array alone.
            training: whether dropout drops, with masks of this call's own.

        Returns:
            The output (batch, units), and the list of the new states.

        Raises:
            ValueError: shapes, or the number of states, do not fit the cell.
        """
        if tracing.active() is not None or tensors_in([inputs, states]):
            given = states if isinstance(states, (list, tuple)) else [states]
            output, *new = symbolic_call(self, inputs, {"training": training, "states": given})
            return output, new
        if self.built and not training:
            quick = self._quick_step()
            result = None if quick is None else quick(inputs, states)
            if result is not None:
                output, final = result
                return output, final
        inputs = to_float_array("inputs", inputs, self.dtype)
        if inputs.ndim != 2:
            raise ValueError(errors.bad_shape("inputs", inputs.shape, "(batch, features)"))
        if not self.built:
            self.build(inputs.shape)
        self.check_inputs(inputs)
        call = self.make_call(
            inputs[:, None], self.to_states("states", states), CallContext(training=bool(training))
        )
        outputs, new, _ = rnn_forward(call)
        return outputs, [state.copy() for state in new]

    def compute_call_shape(self, input_shape: Any, options: dict[str, Any]) -> Any:
        """Return the shapes of the output and of the new states of one step."""
        if "states" not in options:
            return super().compute_call_shape(input_shape, options)
        batch = input_shape[0]
        return tuple((batch, size) for size in (self.output_size, *self.state_sizes))

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None, states: Nest = ()
    ) -> tuple[Any, Pullback | None]:
        """Compute one step, for a call on symbolic tensors."""
        call = self.make_call(inputs[:, None], self.to_states("states", states), context)
        outputs, new, workspace = rnn_forward(call)
        result = (outputs, *new)
        if workspace is None:
            return result, None

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            d_outputs, *d_new = d_result
            gradients = rnn_backward(workspace, d_outputs, d_new)
            pairs = [(v, gradients.d_weights.get(n)) for n, v in self.named_weights.items()]
            d_inputs = None if gradients.dx is None else gradients.dx[:, 0]
            return [d_inputs, *gradients.d_initial_state], self.gradients_of(*pairs)

        return result, pullback

    def _quick_step(self) -> Any:
        """Return the quick way to single steps, or ``None`` where there is none."""
        settings = (*config.recurrent_settings(), self.quantized)
        if self._step is None or self._step[0] != settings:
            inputs = np.zeros((1, 1, self.kernel.shape[0]), self.dtype)
            call = self.make_call(inputs, tuple(self.get_initial_state(1)), CallContext())
            self._step = settings, step_inference(call)
        return self._step[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_step": None}
