"""Dense."""

from __future__ import annotations

from typing import Any, Unpack

from fastrnn import activations
from fastrnn.core import errors
from fastrnn.core.options import OnlyNone, PositiveInt, takes_options
from fastrnn.core.variable import Variable
from fastrnn.engines.contract import StreamStage
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.capabilities import OnnxGraph
from fastrnn.layers.base.layer import (
    CallContext,
    CommonOptions,
    Layer,
    Pullback,
    registry,
)
from fastrnn.layers.base.stream_lowering import activation_ops, is_fused, values_of
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import (
    ActivationLike,
    Array,
    ConstraintLike,
    InitializerLike,
    MaskLike,
    RegularizerLike,
    Shape,
)


@registry.register()
class Dense(Layer):
    """activation(x·kernel + bias), over the last axis.

    Args:
        units: length of the last axis of the outputs.
        activation: see ``fastrnn.activations``; ``None`` is linear.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: see ``fastrnn.initializers``.
        kernel_regularizer, bias_regularizer, activity_regularizer: see ``fastrnn.regularizers``.
        kernel_constraint, bias_constraint: see ``fastrnn.constraints``.
        lora_rank, lora_alpha, quantization_config: accepted as ``None`` only.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: kernel (features, units), bias (units,).
    Inputs: (batch, …, features). Outputs: (batch, …, units).

    Raises:
        ValueError: ``units`` is no positive integer, or another argument is invalid.

    >>> import numpy as np
    >>> from fastrnn.layers import Dense
    >>> Dense(3)(np.zeros((2, 5))).shape
    (2, 3)
    """

    supports_masking = True
    units: int
    activation: activations.Activation
    use_bias: bool

    stepwise = True
    min_input_rank = 2
    input_axes = "(batch, …, features)"

    @takes_options
    def __init__(
        self,
        units: PositiveInt,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        lora_rank: OnlyNone = None,
        lora_alpha: OnlyNone = None,
        quantization_config: OnlyNone = None,
        **kwargs: Unpack[CommonOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.kernel: Variable
        self.bias: Variable | None = None

    def make_weights(self, input_shape: Shape) -> None:
        """Make kernel and bias."""
        features = known_features(input_shape, self.name)
        self.input_features = features
        self.kernel = self.add_part("kernel", (features, self.units))
        if self.use_bias:
            self.bias = self.add_part("bias", (self.units,))

    def stream_ops(self, features: int) -> list[StreamStage] | None:
        """Return the product, and the activation where it is not a part of it."""
        weights = values_of(kernel=self.kernel, bias=self.bias)
        if is_fused(self.activation):
            name = self.activation.name
            return [StreamStage("dense", features, self.units, weights, activation=name)]
        rest = activation_ops(self.activation, self.units)
        product = StreamStage("dense", features, self.units, weights)
        return None if rest is None else [product, *rest]

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append product, bias and activation."""
        name = graph.node("MatMul", [inputs[0], graph.weight(self.kernel)])
        if self.bias is not None:
            name = graph.node("Add", [name, graph.weight(self.bias)])
        return [graph.activate(self.activation, name, self)]

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, …, units)."""
        return (*input_shape[:-1], self.units)

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Compute the outputs as one matrix product over all leading axes."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        bias = None if self.bias is None else self.bias.value
        # In its full shape: a function of the user's may look along the steps.
        pre = matmul(rows, self.kernel.value, bias).reshape(*inputs.shape[:-1], self.units)
        outputs = self.activation(pre)

        def pullback(d_outputs: Array) -> tuple[Array | None, list[Array]]:
            d = d_outputs
            if self.activation is not activations.linear:
                d = self.activation.vjp(pre, outputs, d)
            d = d.reshape(-1, self.units)
            d_bias = d.sum(axis=0) if self.bias is not None else None
            d_weights = self.gradients_of((self.kernel, matmul(rows.T, d)), (self.bias, d_bias))
            if not context.input_gradient:
                return None, d_weights
            return matmul(d, self.kernel.value.T).reshape(inputs.shape), d_weights

        return outputs, pullback if context.gradient else None


def known_features(input_shape: Shape, name: str) -> int:
    """Return the length of the last axis, or raise ``ValueError`` where it is not known."""
    if len(input_shape) < 2 or input_shape[-1] is None:
        raise ValueError(
            errors.bad_shape("input_shape", input_shape, f"a fixed last axis for layer {name!r}")
        )
    return int(input_shape[-1])
