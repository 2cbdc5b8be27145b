"""TensorFlow's names of operations: each with the one of ``fastrnn.ops`` and its arguments.

A row is TensorFlow's name, the operation, then the arguments in TensorFlow's order, written
``name:keras_name`` where the operation calls them otherwise.
"""

from __future__ import annotations


def _rows(text: str) -> dict[str, str]:
    """Return the lines of ``text`` by their first word.

    >>> _rows("acos arccos x")
    {'acos': 'arccos x'}
    """
    lines = [line.split(maxsplit=1) for line in text.strip().splitlines()]
    return dict(lines)


# What arguments were called in TensorFlow 1.
OLD_ARGUMENTS = {
    "dim": "axis",
    "dimension": "axis",
    "keep_dims": "keepdims",
    "reduction_indices": "axis",
    "squeeze_dims": "axis",
}

MATH = _rows("""
abs abs x
acos arccos x
acosh arccosh x
add add x:x1 y:x2
asin arcsin x
asinh arcsinh x
atan arctan x
atan2 arctan2 y:x1 x:x2
atanh arctanh x
bincount bincount arr:x weights minlength
ceil ceil x
cos cos x
cosh cosh x
div divide x:x1 y:x2
divide divide x:x1 y:x2
divide_no_nan divide_no_nan x:x1 y:x2
div_no_nan divide_no_nan x:x1 y:x2
equal equal x:x1 y:x2
erf erf x
exp exp x
expm1 expm1 x
floor floor x
floordiv floor_divide x:x1 y:x2
floormod mod x:x1 y:x2
greater greater x:x1 y:x2
greater_equal greater_equal x:x1 y:x2
in_top_k in_top_k targets predictions k
is_finite isfinite x
is_inf isinf x
is_nan isnan x
less less x:x1 y:x2
less_equal less_equal x:x1 y:x2
log log x
log1p log1p x
log_sigmoid log_sigmoid x
logical_and logical_and x:x1 y:x2
logical_not logical_not x
logical_or logical_or x:x1 y:x2
logical_xor logical_xor x:x1 y:x2
maximum maximum x:x1 y:x2
minimum minimum x:x1 y:x2
mod mod x:x1 y:x2
mul multiply x:x1 y:x2
multiply multiply x:x1 y:x2
neg negative x
negative negative x
not_equal not_equal x:x1 y:x2
pow power x:x1 y:x2
reciprocal reciprocal x
reduce_all all input_tensor:x axis keepdims
reduce_any any input_tensor:x axis keepdims
reduce_logsumexp logsumexp input_tensor:x axis keepdims
reduce_max max input_tensor:x axis keepdims
reduce_mean mean input_tensor:x axis keepdims
reduce_min min input_tensor:x axis keepdims
reduce_prod prod input_tensor:x axis keepdims
reduce_std std input_tensor:x axis keepdims
reduce_sum sum input_tensor:x axis keepdims
reduce_variance var input_tensor:x axis keepdims
round round x
rsqrt rsqrt x
segment_max segment_max data segment_ids
segment_sum segment_sum data segment_ids
sigmoid sigmoid x
sign sign x
sin sin x
sinh sinh x
softplus softplus features:x
sqrt sqrt x
square square x
sub subtract x:x1 y:x2
subtract subtract x:x1 y:x2
tan tan x
tanh tanh x
truediv true_divide x:x1 y:x2
unsorted_segment_max segment_max data segment_ids num_segments
unsorted_segment_sum segment_sum data segment_ids num_segments
""")

LINALG = _rows("""
cholesky cholesky input:x
det det input:x
diag_part diagonal input:x
inv inv input:x
qr qr input:x
solve solve matrix:a rhs:b
svd svd tensor:x
trace trace x
""")

NN = _rows("""
elu elu features:x
leaky_relu leaky_relu features:x alpha:negative_slope
log_softmax log_softmax logits:x axis
moments moments x axes keepdims
relu relu features:x
relu6 relu6 features:x
selu selu features:x
sigmoid sigmoid x
silu silu features:x
softmax softmax logits:x axis
softplus softplus features:x
softsign softsign features:x
swish silu features:x
tanh tanh x
in_top_k in_top_k targets predictions k
""")

# Functions of `tf` itself beside those of `tf.math`.
ROOT = _rows("""
broadcast_to broadcast_to input:x shape
expand_dims expand_dims input:x axis
clip_by_value clip t:x clip_value_min:x_min clip_value_max:x_max
identity copy input:x
roll roll input:x shift axis
squeeze squeeze input:x axis
stop_gradient stop_gradient input:variable
tensordot tensordot a:x1 b:x2 axes
tile tile input:x multiples:repeats
""")
