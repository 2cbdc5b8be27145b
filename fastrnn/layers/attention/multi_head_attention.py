"""MultiHeadAttention."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn import activations
from fastrnn.core import errors
from fastrnn.core.checks import (
    to_axes,
    to_choice,
    to_mask,
    to_real_array,
)
from fastrnn.core.options import KINDS, Flag, Kind, PositiveInt, Share, Unused, takes_options
from fastrnn.core.seed_generator import to_generator
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.layer import (
    CallContext,
    CommonOptions,
    Layer,
    Pullback,
    registry,
)
from fastrnn.layers.base.options import Seed, to_sole
from fastrnn.layers.core.einsum_dense import EinsumDense
from fastrnn.layers.merging.base import MultiInputLayer
from fastrnn.layers.regularization.dropout import dropout_factors
from fastrnn.typing import (
    ActivationLike,
    Array,
    ArrayLike,
    ConstraintLike,
    Identifier,
    InitializerLike,
    MultiMask,
    RegularizerLike,
    Shape,
)

# The inputs' shapes, as Keras names them.
SHAPES = ("query_shape", "value_shape", "key_shape")
# The options that hold for each projection.
SHARED = (
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)


def _to_output_size(argument: str, value: object) -> tuple[int] | None:
    return None if value is None else to_sole(argument, value)


def _shapes_of(query: Any, value: Any, key: Any) -> Any:
    """Return the shapes as a list; ``query`` alone is that list."""
    if value is None:
        return query
    return [tuple(shape) for shape in (query, value, key) if shape is not None]


def _to_steps_axis(argument: str, value: object) -> int | tuple[int, ...] | None:
    axes = None if value is None else to_axes(argument, value)
    found: int | tuple[int, ...] | None = to_choice(argument, axes, (None, 1, (1,)))
    return found


OutputSize = Annotated[int | Sequence[int] | None, Kind(_to_output_size, attribute="_output_shape")]
# A penalty on the outputs of the projections, not on those of the layer.
OfProjections = Annotated[
    Identifier, replace(KINDS["regularizer"], attribute="_activity_regularizer")
]
StepsAxis = Annotated[int | Sequence[int] | None, Kind(_to_steps_axis)]


@registry.register()
class MultiHeadAttention(MultiInputLayer):
    """Attention of several heads to projections of query, key and value (Vaswani et al., 2017).

    Each head weighs its values by softmax(query·keyᵀ / sqrt(key_dim)); a last projection joins the
    heads.

    Args:
        num_heads: number of heads.
        key_dim: length of a head's queries and keys.
        value_dim: length of a head's values; ``None`` for ``key_dim``.
        dropout: share of the softmax that training drops.
        use_bias: whether the projections have biases.
        output_shape: length of the outputs; ``None`` for that of the query.
        attention_axes: ``None``, 1 or (1,): attention is over the steps.
        sliding_window: steps of the value nearer than this alone are seen; ``None`` for all.
        flash_attention: accepted and without effect.
        kernel_initializer, bias_initializer: see ``fastrnn.initializers``.
        kernel_regularizer, bias_regularizer, activity_regularizer: see ``fastrnn.regularizers``;
            they hold for each projection.
        kernel_constraint, bias_constraint: see ``fastrnn.constraints``.
        use_gate: whether a sigmoid of a further projection of the query multiplies the heads'
            results.
        seed: integer, a ``random.SeedGenerator``, or ``None`` for one that is drawn.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Call: ``layer(query, value, key=None)``, or a list of the two or three: (batch, Tq, dim),
    (batch, Tv, dim), (batch, Tv, dim). Further arguments: ``query_mask`` (batch, Tq),
    ``value_mask`` and ``key_mask`` (batch, Tv), which models fill in; ``attention_mask``, (batch,
    Tq, Tv) or what broadcasts to it, True where a query sees a value; ``use_causal_mask``;
    ``return_attention_scores``, for a tuple of the outputs and the softmax (batch, num_heads, Tq,
    Tv); ``training``. ``vjp`` takes a list.
    Outputs: (batch, Tq, output_shape).

    Weights: kernels (dim, num_heads, key_dim) and biases (num_heads, key_dim) of query and key,
    likewise of the gate and of value, and of the output (num_heads, value_dim, output_shape).

    Raises:
        ValueError: an argument, or a shape of the inputs, is not as described.

    >>> from fastrnn.layers import MultiHeadAttention
    >>> x = np.ones((1, 5, 8))
    >>> MultiHeadAttention(num_heads=2, key_dim=4)(x, x, use_causal_mask=True).shape
    (1, 5, 8)
    """

    least_inputs, most_inputs = 2, 3
    separate_inputs = True

    num_heads: int
    key_dim: int
    dropout: float
    use_bias: bool
    use_gate: bool
    attention_axes: int | tuple[int, ...] | None
    sliding_window: int | None
    _output_shape: tuple[int] | None
    _activity_regularizer: Any

    @takes_options
    def __init__(
        self,
        num_heads: PositiveInt,
        key_dim: PositiveInt,
        value_dim: PositiveInt | None = None,
        dropout: Share = 0.0,
        use_bias: Flag = True,
        output_shape: OutputSize = None,
        attention_axes: StepsAxis = None,
        sliding_window: PositiveInt | None = None,
        flash_attention: Unused[bool | None] = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: OfProjections = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        use_gate: Flag = False,
        seed: Seed = None,
        **kwargs: Unpack[CommonOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.value_dim = self.key_dim if value_dim is None else value_dim
        self.generator = to_generator(seed)
        self.query_dense = self._projection("query", self.key_dim)
        self.key_dense = self._projection("key", self.key_dim)
        self._gate_dense = self._projection("gate", self.value_dim, "sigmoid") if use_gate else None
        self.value_dense = self._projection("value", self.value_dim)
        self.output_dense: EinsumDense | None = None
        self._shapes: dict[str, Any] = {}

    def _projection(self, name: str, dim: int, activation: ActivationLike = None) -> EinsumDense:
        return self._dense(name, "abc,cde->abde", (None, self.num_heads, dim), "de", activation)

    def _dense(
        self,
        name: str,
        equation: str,
        shape: tuple[int | None, ...],
        bias_axes: str,
        activation: ActivationLike = None,
    ) -> EinsumDense:
        options: dict[str, Any] = {option: getattr(self, option) for option in SHARED}
        options["activity_regularizer"] = self._activity_regularizer
        for option in ("kernel_initializer", "bias_initializer"):
            options[option] = _again(options[option])
        bias = bias_axes if self.use_bias else None
        return EinsumDense(
            equation, shape, activation, bias, name=name, dtype=self.dtype, **options
        )

    @property
    def sublayers(self) -> list[Layer]:
        """The projections, in the order of their weights."""
        dense = [self.query_dense, self.key_dense, self._gate_dense, self.value_dense]
        return [layer for layer in [*dense, self.output_dense] if layer is not None]

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        """Make the weights, for the shapes of query, value and key, or for a list of them."""
        super().build(_shapes_of(query_shape, value_shape, key_shape))

    def make_weights(self, input_shape: Sequence[Shape]) -> None:
        """Build the projections."""
        *leading, dim = self.compute_output_shape(input_shape)
        self.attention_axes = (1,)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        inner = (*leading, self.num_heads, self.value_dim)
        output_dense = self._dense("attention_output", "abcd,cde->abe", (None, dim), "e")
        output_dense.trainable = self.trainable
        self.output_dense = output_dense
        shapes = [query, key, *([query] if self.use_gate else []), value, inner]
        for layer, shape in zip(self.sublayers, shapes, strict=True):
            layer.build(shape)
        self.attention_axes = (1,)
        self._shapes = dict(zip(SHAPES, input_shape, strict=False))

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> Shape:
        """Return (batch, Tq, output_shape), for three shapes or a list of them."""
        input_shape = _shapes_of(query_shape, value_shape, key_shape)
        self.check_count(input_shape)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        for shape in input_shape:
            if len(shape) != 3:
                raise ValueError(errors.bad_shape("inputs", shape, "(batch, timesteps, dim)"))
        if None not in (key[1], value[1]) and key[1] != value[1]:
            remedy = "The steps of `value` and `key` must be equal."
            expected = f"{value[1]} steps, as the value"
            raise ValueError(errors.bad_shape("inputs", key, expected, remedy))
        return (*query[:2], self._output_shape[0] if self._output_shape else query[2])

    def compute_call_shape(self, input_shape: Sequence[Shape], options: dict[str, Any]) -> Any:
        """Return the shape of the outputs, with that of the softmax if it is wanted too."""
        shape = self.compute_output_shape(input_shape)
        if not options.get("return_attention_scores"):
            return shape
        return shape, (shape[0], self.num_heads, shape[1], input_shape[1][1])

    def compute_mask(self, inputs: list[Array], mask: MultiMask = None) -> Any:
        """Return the query's mask."""
        return None if mask is None else mask[0]

    def __call__(self, query: Any, value: Any = None, key: Any = None, **options: Any) -> Any:
        """Compute the outputs for query, value and key, or for a list of them."""
        inputs = query
        if value is not None:
            inputs = [query, value] if key is None else [query, value, key]
        return super().__call__(inputs, **options)

    def forward(
        self,
        inputs: list[Array],
        context: CallContext,
        mask: MultiMask = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
        **masks: Any,
    ) -> tuple[Any, Pullback | None]:
        """Project, attend, and project back."""
        query, value, key = inputs[0], inputs[1], inputs[-1]
        keep = self._keep(query, value, mask, use_causal_mask, masks)
        q, pull_q = _run(self.query_dense, query, context)
        k, pull_k = _run(self.key_dense, key, context)
        v, pull_v = _run(self.value_dense, value, context)
        heads, p, pull_heads = self._attend(q, k, v, keep, context)
        gate, pull_gate = _run(self._gate_dense, query, context)
        gated = heads if gate is None else heads * gate
        inner = dataclasses.replace(context, input_gradient=True)
        outputs, pull_out = _run(self.output_dense, gated, inner)
        result = (outputs, p) if return_attention_scores else outputs
        if not context.gradient:
            return result, None

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            d, d_p = d_result if return_attention_scores else (d_result, None)
            d_gated, w_out = pull_out(np.zeros_like(outputs) if d is None else d)
            d_heads = pull_heads(d_gated if gate is None else d_gated * gate, d_p)
            pulls = (pull_q, pull_k, pull_v)
            (dq, wq), (dk, wk), (dv, wv) = (f(x) for f, x in zip(pulls, d_heads, strict=True))
            d_gate, w_gate = (None, []) if gate is None else pull_gate(d_gated * heads)
            dq = dq if gate is None else _sum(dq, d_gate)
            d_weights = [*wq, *wk, *w_gate, *wv, *w_out] if self._trainable else []
            return [dq, dv, dk] if len(inputs) == 3 else [dq, _sum(dv, dk)], d_weights

        return result, pullback

    def _attend(
        self, q: Array, k: Array, v: Array, keep: Array | None, context: CallContext
    ) -> tuple[Array, Array, Any]:
        """Return each head's results (batch, Tq, heads, value_dim), the softmax, and a pullback."""
        scale = q.dtype.type(self.key_dim**-0.5)
        q, k, v = (x.transpose(0, 2, 1, 3) for x in (q, k, v))  # (batch, heads, steps, dim)
        scores = matmul(q * scale, k.swapaxes(2, 3))
        if keep is not None:
            scores = np.where(keep, scores, scores.dtype.type(-1e9))
        p = activations.softmax(scores)
        if keep is not None:
            p = np.where(keep, p, 0)  # also where a query sees nothing
        factors: Any = None
        if context.training and self.dropout > 0:
            factors = dropout_factors(self.generator, p.shape, self.dropout, p.dtype)
        weights = p if factors is None else p * factors

        def pullback(d: Array, d_p_given: Array | None) -> list[Array]:
            d = d.transpose(0, 2, 1, 3)
            d_p = matmul(d, v.swapaxes(2, 3))
            d_p = d_p if factors is None else d_p * factors
            d_p = d_p if d_p_given is None else d_p + d_p_given
            d_scores = activations.softmax.vjp(scores, p, d_p) * scale
            dq, dk = matmul(d_scores, k), matmul(d_scores.swapaxes(2, 3), q)
            dv = matmul(weights.swapaxes(2, 3), d)
            return [np.ascontiguousarray(x.transpose(0, 2, 1, 3)) for x in (dq, dk, dv)]

        return np.ascontiguousarray(matmul(weights, v).transpose(0, 2, 1, 3)), p, pullback

    def _keep(
        self, query: Array, value: Array, mask: MultiMask, causal: bool, masks: dict[str, Any]
    ) -> Array | None:
        """Return which values each query sees, (batch, 1, Tq, Tv) or what broadcasts to it."""
        steps = query.shape[:2], value.shape[:2], value.shape[:2]
        names = ("query_mask", "value_mask", "key_mask")
        travelling = [*(mask or []), None, None, None]
        rows, columns = np.arange(query.shape[1])[:, None], np.arange(value.shape[1])
        found: list[Array] = []
        for k, (name, shape) in enumerate(zip(names, steps, strict=True)):
            own = masks.pop(name, None)
            keep = to_mask(travelling[k] if own is None else own, shape)
            if keep is not None:
                found.append(keep[:, None, :, None] if k == 0 else keep[:, None, None, :])
        given = masks.pop("attention_mask", None)
        if masks:
            raise TypeError(errors.unknown_arguments(type(self).__name__, masks))
        if given is not None:
            found.append(_to_attention_mask(given, len(query), len(rows), len(columns)))
        if causal:
            found.append(rows >= columns)
        if self.sliding_window is not None:
            found.append(np.abs(rows - columns) < self.sliding_window)
        return np.logical_and.reduce(np.broadcast_arrays(*found)) if found else None

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shapes that the layer was built for, by Keras's names; ``None`` before."""
        return {"shapes_dict": dict(self._shapes)} if self.built else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Make the weights as they were made when ``get_build_config`` was called."""
        shapes = config["shapes_dict"]
        self.build([tuple(shapes[name]) for name in SHAPES if shapes.get(name) is not None])


def _run(layer: EinsumDense | None, x: Array, context: CallContext) -> tuple[Any, Any]:
    """Return outputs and pullback of a projection, if there is one."""
    return (None, None) if layer is None else layer.run(layer.accept(x), context)[:2]


def _again(initializer: Any) -> Any:
    """Return an initializer of the same configuration: each projection draws by itself."""
    if not hasattr(initializer, "get_config"):
        return initializer
    return type(initializer).from_config(initializer.get_config())


def _to_attention_mask(mask: ArrayLike, batch: int, queries: int, values: int) -> Array:
    """Return the mask as bools with an axis for the heads."""
    keep = to_real_array("attention_mask", mask).astype(bool)
    keep = keep[:, None] if keep.ndim == 3 else keep
    whole = (batch, 1, queries, values)
    fits = 2 <= keep.ndim <= 4 and all(
        n in (1, size) or (k == 2 and keep.ndim == 4)
        for k, (n, size) in enumerate(zip(keep.shape[::-1], whole[::-1], strict=False))
    )
    if not fits:
        expected = f"({batch}, {queries}, {values}), (batch, queries, values)"
        raise ValueError(errors.bad_shape("attention_mask", np.shape(mask), expected))
    return keep


def _sum(a: Array | None, b: Array | None) -> Array | None:
    return None if a is None or b is None else a + b
