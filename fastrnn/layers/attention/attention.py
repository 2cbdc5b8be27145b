"""Attention and AdditiveAttention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn import activations
from fastrnn.core import errors
from fastrnn.core.checks import to_mask
from fastrnn.core.options import Flag, Share, choice, takes_options
from fastrnn.core.seed_generator import to_generator
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.capabilities import ALL_STEPS
from fastrnn.layers.base.layer import CallContext, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import Seed
from fastrnn.layers.merging.base import MultiInputLayer
from fastrnn.layers.regularization.dropout import dropout_factors
from fastrnn.typing import Array, MultiMask, Shape

# scores (batch, Tq, Tv), and the function d_scores -> d_query, d_key, d_weights.
Scores = tuple[Array, Callable[[Array], tuple[Array, Array, list[Array]]]]

# Taken off the scores of steps that do not count.
MASKED = 1e9


ScoreMode = Annotated[str, choice("dot", "concat")]


@registry.register()
class Attention(MultiInputLayer):
    """softmax(scores)·value, with scores query·keyᵀ (Luong et al., 2015).

    Args:
        use_scale: whether a weight, 1 at first, multiplies the scores.
        score_mode: ``"dot"``; or ``"concat"``, the sum of tanh(query + key) over the features.
        dropout: share of the softmax that training drops.
        seed: integer, a ``random.SeedGenerator``, or ``None`` for one that is drawn.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: [query (batch, Tq, dim), value (batch, Tv, dim)], and key (batch, Tv, dim) if it is not
    the value. Outputs: (batch, Tq, dim).

    Call arguments: ``mask``, [query mask (batch, Tq), value mask (batch, Tv)], each may be
    ``None``; ``return_attention_scores``, for a tuple of the outputs and the softmax (batch, Tq,
    Tv); ``use_causal_mask``, so that no step of the query sees later ones of the value;
    ``training``.

    Raises:
        ValueError: an argument, or the number or a shape of the inputs, is not as described.

    >>> from fastrnn.layers import Attention
    >>> Attention()([np.ones((1, 2, 3)), np.ones((1, 4, 3))]).shape
    (1, 2, 3)
    """

    least_inputs, most_inputs = 2, 3
    stream_refusal = ALL_STEPS

    use_scale: bool
    score_mode: str
    dropout: float

    @takes_options
    def __init__(
        self,
        use_scale: Flag = False,
        score_mode: ScoreMode = "dot",
        dropout: Share = 0.0,
        seed: Seed = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.generator = to_generator(seed)
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None

    def make_weights(self, input_shape: Sequence[Shape]) -> None:
        """Make the factors of the scores."""
        super().make_weights(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), initializer="ones", name="scale")
        if self.score_mode == "concat":
            name = "concat_score_weight"
            self.concat_score_weight = self.add_weight((), initializer="ones", name=name)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return (batch, Tq, dim of the value)."""
        self.check_count(input_shape)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        for shape in input_shape:
            if len(shape) != 3:
                raise ValueError(errors.bad_shape("inputs", shape, "(batch, timesteps, dim)"))
        for name, found, wanted in (
            ("query's dim", key[2], query[2]),
            ("value's steps", key[1], value[1]),
        ):
            if None not in (found, wanted) and found != wanted:
                expected = f"a key with the {name}, {wanted}"
                raise ValueError(errors.bad_shape("inputs", key, expected))
        return (*query[:2], value[2])

    def compute_call_shape(self, input_shape: Sequence[Shape], options: dict[str, Any]) -> Any:
        """Return the shape of the outputs, with that of the softmax if it is wanted too."""
        shape = self.compute_output_shape(input_shape)
        if not options.get("return_attention_scores"):
            return shape
        return shape, (*shape[:2], input_shape[1][1])

    def compute_mask(self, inputs: list[Array], mask: MultiMask = None) -> Any:
        """Return the query's mask."""
        return None if mask is None else mask[0]

    def scores(self, query: Array, key: Array) -> Scores:
        """Return the scores, and the function that carries their gradient back."""
        if self.score_mode == "concat":
            return self._concat_scores(query, key)
        products = matmul(query, key.swapaxes(1, 2))
        scale = query.dtype.type(1) if self.scale is None else self.scale.value

        def back(d: Array) -> tuple[Array, Array, list[Array]]:
            d_scale = np.asarray((d * products).sum())
            d_weights = self.gradients_of((self.scale, d_scale))
            return scale * matmul(d, key), scale * matmul(d.swapaxes(1, 2), query), d_weights

        return products * scale, back

    def _concat_scores(self, query: Array, key: Array) -> Scores:
        assert self.concat_score_weight is not None
        factor = self.concat_score_weight.value
        scale = query.dtype.type(1) if self.scale is None else self.scale.value
        sums = query[:, :, None] + key[:, None]  # (batch, Tq, Tv, dim)
        t = np.tanh(scale * sums)
        total = t.sum(axis=-1)

        def back(d: Array) -> tuple[Array, Array, list[Array]]:
            d_inner = factor * d[..., None] * (1 - t * t)
            d_weights = self.gradients_of(
                (self.scale, np.asarray((d_inner * sums).sum())),
                (self.concat_score_weight, np.asarray((d * total).sum())),
            )
            d_sums = scale * d_inner
            return d_sums.sum(axis=2), d_sums.sum(axis=1), d_weights

        return factor * total, back

    def forward(
        self,
        inputs: list[Array],
        context: CallContext,
        mask: MultiMask = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Pullback | None]:
        """Weigh the values by the softmax of the scores."""
        q, v, k = inputs[0], inputs[1], inputs[-1]
        keep_query, keep = self._masks(q, v, mask, use_causal_mask)
        scores, back = self.scores(q, k)
        if keep is not None:
            scores = np.where(keep, scores, scores - scores.dtype.type(MASKED))
        p = activations.softmax(scores)
        factors: Any = None
        if context.training and self.dropout > 0:
            factors = dropout_factors(self.generator, p.shape, self.dropout, p.dtype)
        weights = p if factors is None else p * factors
        outputs = matmul(weights, v)
        if keep_query is not None:
            outputs = np.where(keep_query, outputs, 0)
        result = (outputs, weights) if return_attention_scores else outputs

        def pullback(d_result: Any) -> tuple[list[Array], list[Array]]:
            d, d_weights_given = d_result if return_attention_scores else (d_result, None)
            d = np.zeros_like(outputs) if d is None else d
            d = d if keep_query is None else np.where(keep_query, d, 0)
            d_p = matmul(d, v.swapaxes(1, 2))
            if d_weights_given is not None:
                d_p = d_p + d_weights_given
            if factors is not None:
                d_p = d_p * factors
            d_scores = activations.softmax.vjp(scores, p, d_p)
            d_q, d_k, d_weights = back(d_scores)
            d_v = matmul(weights.swapaxes(1, 2), d)
            return [d_q, d_v, d_k] if len(inputs) == 3 else [d_q, d_v + d_k], d_weights

        return result, pullback if context.gradient else None

    def _masks(
        self, query: Array, value: Array, mask: MultiMask, causal: bool
    ) -> tuple[Array | None, Array | None]:
        """Return which queries count (batch, Tq, 1), and which values for each (…, Tq, Tv)."""
        given = [None, None] if mask is None else mask
        if not isinstance(given, (list, tuple)) or len(given) < 2:
            expected = "a list, [query mask, value mask]"
            raise ValueError(errors.bad_argument("mask", type(mask).__name__, expected))
        q_mask, v_mask = to_mask(given[0], query.shape[:2]), to_mask(given[1], value.shape[:2])
        keep = None if v_mask is None else v_mask[:, None]
        if causal:
            lower = np.tri(query.shape[1], value.shape[1], dtype=bool)
            keep = lower if keep is None else keep & lower
        return None if q_mask is None else q_mask[..., None], keep


@registry.register()
class AdditiveAttention(Attention):
    """softmax(scores)·value, with scores sum of scale·tanh(query + key) (Bahdanau et al., 2015).

    Args:
        use_scale: whether there is a weight for each feature; else they count alike.
        dropout: share of the softmax that training drops.
        **kwargs: ``seed``, ``name``, ``dtype``, ``trainable``.

    Weights: scale (dim,). Inputs, outputs and call arguments are those of ``Attention``.

    >>> from fastrnn.layers import AdditiveAttention
    >>> AdditiveAttention()([np.ones((1, 2, 3)), np.ones((1, 4, 3))]).shape
    (1, 2, 3)
    """

    def __init__(
        self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def make_weights(self, input_shape: Sequence[Shape]) -> None:
        """Make the scale."""
        self.compute_output_shape(input_shape)
        dim = input_shape[0][-1]
        if self.use_scale:
            if dim is None:
                raise ValueError(errors.bad_shape("inputs", input_shape[0], "a fixed last axis"))
            self.scale = self.add_weight((dim,), initializer="glorot_uniform", name="scale")

    def scores(self, query: Array, key: Array) -> Scores:
        """Return the scores, and the function that carries their gradient back."""
        t = np.tanh(query[:, :, None] + key[:, None])  # (batch, Tq, Tv, dim)
        scale = np.ones((), query.dtype) if self.scale is None else self.scale.value

        def back(d: Array) -> tuple[Array, Array, list[Array]]:
            d_weights = self.gradients_of((self.scale, (d[..., None] * t).sum(axis=(0, 1, 2))))
            d_sums = d[..., None] * scale * (1 - t * t)
            return d_sums.sum(axis=2), d_sums.sum(axis=1), d_weights

        return (scale * t).sum(axis=-1), back

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        config = super().get_config()
        del config["score_mode"]
        return config
