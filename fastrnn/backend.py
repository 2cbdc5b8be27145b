"""``keras.backend``, K: operations and settings under the names of Keras 1 and 2.

>>> import numpy as np
>>> from fastrnn import backend as K
>>> K.sum(K.square(np.array([[1.0, 2.0]])), axis=-1)
array([5.])
>>> K.int_shape(np.zeros((2, 3))), K.floatx()
((2, 3), 'float32')
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from fastrnn import config, ops
from fastrnn.config import epsilon as epsilon
from fastrnn.config import floatx as floatx
from fastrnn.config import set_epsilon as set_epsilon
from fastrnn.config import set_floatx as set_floatx
from fastrnn.core import missing_names, tracing
from fastrnn.core.naming import auto_name
from fastrnn.core.old_paths import old_modules
from fastrnn.core.variable import Variable
from fastrnn.core.variable import name_scope as name_scope
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import Array, Axes, DTypeLike, Shape
from fastrnn.utils import clear_session as clear_session

# Those that are called and that take their arguments as in `fastrnn.ops`.
_SAME = {
    *("abs", "all", "any", "arange", "cast", "clip", "cos"),
    *("elu", "equal", "exp", "eye", "greater"),
    *("greater_equal", "hard_sigmoid", "less", "less_equal", "log", "logsumexp", "max", "maximum"),
    *("mean", "min", "minimum", "ndim", "not_equal", "ones", "ones_like", "prod"),
    *("reshape", "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign"),
    *("sqrt", "square", "squeeze", "stack", "std", "stop_gradient", "sum", "tanh", "tile"),
    *("transpose", "var", "zeros", "zeros_like"),
}
_GRAPHS = "fastrnn makes no graphs of TensorFlow's"
_REFUSED = {
    "ctc_batch_cost": "use keras.losses.CTC",
    "ctc_decode": "decode the predictions with NumPy",
    "function": f"{_GRAPHS}: make a Model of the inputs and outputs",
    "gradients": "use layer.vjp or model.vjp, or GradientTape",
    "placeholder": f"{_GRAPHS}: use keras.Input",
    "rnn": "use keras.layers.RNN over a cell of your own",
}


__path__: list[str] = []  # old modules stand below it
_OLD = old_modules(__name__)


def __getattr__(name: str) -> Any:
    if name in _SAME:
        return getattr(ops, name)
    if name in _OLD:
        return importlib.import_module(_OLD[name])
    if not name.startswith("__"):
        missing_names.note(f"keras.backend.{name}")
    advice = f": {_REFUSED[name]}" if name in _REFUSED else ""
    raise AttributeError(f"fastrnn.backend has no `{name}`{advice}.")


def __dir__() -> list[str]:
    own = {name for name, value in globals().items() if isinstance(value, FunctionType)}
    return sorted(_SAME | {name for name in own if not name.startswith("_")})


# ---- settings ----


def backend() -> str:
    """Return what computes: "numpy", arrays in and arrays out."""
    return "numpy"


def image_data_format() -> str:
    """Return "channels_last", the only order of axes that there is."""
    return "channels_last"


image_dim_ordering = image_data_format


def set_image_data_format(data_format: str) -> None:
    """Do nothing: there are no images."""


set_image_dim_ordering = set_image_data_format


def learning_phase() -> int:
    """Return 1 in a ``call`` of one's own that is followed for training, else 0."""
    trace = tracing.active()
    return int(trace is not None and bool(trace.training))


def set_learning_phase(value: int | bool) -> None:
    """Do nothing: layers are told by each call whether it is for training."""


def get_session() -> None:
    """Return None: there is no session of TensorFlow's."""


def set_session(session: object) -> None:
    """Do nothing: there is no session of TensorFlow's."""


def _get_available_gpus() -> list[str]:
    """Return no GPU, which scripts ask `tensorflow_backend` for."""
    return []


def get_uid(prefix: str = "") -> int:
    """Return a number that is another one at each call for a prefix."""
    name = auto_name(prefix or "Uid")
    last = name.rpartition("_")[2]
    return int(last) + 1 if last.isdigit() else 1


def cast_to_floatx(x: Any) -> Any:
    """Return ``x`` in the default float type."""
    return ops.cast(x, config.floatx())


# ---- other defaults than those of `fastrnn.ops` ----


def argmax(x: Any, axis: int = -1) -> Any:
    """Return the places of the greatest entries along an axis."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Return the places of the least entries along an axis."""
    return ops.argmin(x, axis)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Return the tensors one after the other along an axis."""
    return ops.concatenate(tensors, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """Return the sums of the entries so far along an axis."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """Return the products of the entries so far along an axis."""
    return ops.cumprod(x, axis)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """Return ``x`` with an axis of length 1."""
    return ops.expand_dims(x, axis)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Return ``x`` above ``threshold``, ``alpha·(x - threshold)`` below, at most ``max_value``."""
    y = ops.where(ops.greater(x, threshold), x, (x - threshold) * alpha)
    return y if max_value is None else ops.minimum(y, max_value)


# ---- values ----


def is_keras_tensor(x: object) -> bool:
    """Return whether ``x`` is a symbolic tensor."""
    return isinstance(x, SymbolicTensor)


is_tensor = is_keras_tensor


def variable(value: Any, dtype: DTypeLike = None, name: str | None = None, **_: Any) -> Variable:
    """Return a variable of this value, in the default float type unless ``dtype`` is given."""
    return Variable(np.asarray(value, dtype or config.floatx()), name=name or "variable")


def constant(
    value: Any, dtype: DTypeLike = None, shape: Sequence[int] | None = None, name: Any = None
) -> Array:
    """Return an array of ``value``, of ``shape`` where it is given."""
    array = np.asarray(value, dtype or config.floatx())
    return array if shape is None else np.broadcast_to(array, shape).copy()


def eval(x: Any) -> Array:
    """Return the value of a variable or an array, as an array."""
    return np.array(x)


get_value = to_dense = eval


def batch_get_value(tensors: Iterable[Any]) -> list[Array]:
    """Return the values of variables."""
    return [eval(tensor) for tensor in tensors]


def set_value(x: Variable, value: Any) -> None:
    """Give a variable another value."""
    x.assign(value)


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Give variables other values."""
    for each, value in tuples:
        each.assign(value)


update = set_value


def update_add(x: Variable, increment: Any) -> Any:
    """Add to a variable."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtract from a variable."""
    return x.assign_sub(decrement)


def int_shape(x: Any) -> Shape:
    """Return the lengths of all axes; None where one is not known."""
    return tuple(ops.shape(x))


def dtype(x: Any) -> str:
    """Return the name of the type of ``x``."""
    return str(x.dtype) if hasattr(x, "dtype") else np.asarray(x).dtype.name


def count_params(x: Any) -> int:
    """Return the number of entries."""
    return int(ops.size(x))


def print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """Print an array, and return it."""
    print(message, x)
    return x


# ---- operations ----


def pow(x: Any, a: Any) -> Any:
    """Return ``x**a``."""
    return ops.power(x, a)


def dot(x: Any, y: Any) -> Any:
    """Return sums of products over the last axis of ``x`` and the one before the last of ``y``."""
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Return the products of each sample: sums over one axis of ``x`` and one of ``y``.

    Args:
        x: (batch, ...).
        y: (batch, ...).
        axes: the axis of both, or a pair; the last of ``x`` and the one before the last of ``y``
            unless given, the last of ``y`` where it has two axes.
    """
    ranks = len(int_shape(x)), len(int_shape(y))
    if axes is None:
        axes = ranks[0] - 1, ranks[1] - (1 if ranks[1] == 2 else 2)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    first, second = first % ranks[0], second % ranks[1]
    left = "".join(chr(ord("a") + k) for k in range(ranks[0]))
    right = "a" + "".join(chr(ord("n") + k) for k in range(1, ranks[1]))
    right = right[:second] + left[first] + right[second + 1 :]
    result = left.replace(left[first], "") + right[1:].replace(left[first], "")
    product = ops.einsum(f"{left},{right}->{result}", x, y)
    return ops.expand_dims(product, -1) if len(result) == 1 else product


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Return ``x`` with its axes in another order."""
    return ops.transpose(x, list(pattern))


def repeat(x: Any, n: int) -> Any:
    """Return (batch, features) as (batch, n, features)."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Return each entry of an axis ``rep`` times."""
    return ops.repeat(x, rep, axis=axis)


def reverse(x: Any, axes: Axes) -> Any:
    """Return ``x`` reversed along axes."""
    return ops.flip(x, axes)


def gather(reference: Any, indices: Any) -> Any:
    """Return the rows of ``reference`` at ``indices``."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices: Any, num_classes: int) -> Any:
    """Return ones at the class numbers, zeros elsewhere."""
    return ops.one_hot(indices, num_classes)


def flatten(x: Any) -> Any:
    """Return all entries on one axis."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """Return (batch, ...) as (batch, entries)."""
    return ops.reshape(x, (-1, math.prod(n for n in int_shape(x)[1:] if n is not None)))


def slice(x: Any, start: Sequence[int], size: Sequence[int]) -> Any:
    """Return the part of ``size`` that begins at ``start``."""
    return ops.slice(x, start, size)


def temporal_padding(x: Any, padding: tuple[int, int] = (1, 1)) -> Any:
    """Return (batch, steps, features) with zeros before and behind the steps."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def l2_normalize(x: Any, axis: int | None = None) -> Any:
    """Return ``x`` divided by its norm along an axis."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, config.epsilon())))


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Return one of two expressions, or of what two functions give, where ``condition`` holds."""
    branches = [
        branch() if callable(branch) else branch for branch in (then_expression, else_expression)
    ]
    rank = len(int_shape(branches[0]))
    while 0 < len(int_shape(condition)) < rank:
        condition = ops.expand_dims(condition, -1)
    return ops.where(condition, *branches)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Return ``x`` for training, else ``alt``; each may be a function that gives it.

    Unless ``training`` says which, it is ``learning_phase``.
    """
    chosen = x if (learning_phase() if training is None else training) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Return ``alt`` for training, else ``x``; each may be a function that gives it."""
    return in_train_phase(alt, x, training)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Return whether each target is among the ``k`` greatest predictions."""
    return ops.in_top_k(targets, predictions, k)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return the crossentropy of each sample."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return the crossentropy of each sample, for class numbers."""
    if len(int_shape(target)) == len(int_shape(output)):
        target = ops.squeeze(target, axis)
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Return the crossentropy of each entry."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def map_fn(fn: Callable[[Any], Any], elems: Any, name: Any = None, dtype: DTypeLike = None) -> Any:
    """Return the results of ``fn`` for the entries along the first axis, stacked."""
    return ops.stack([fn(elems[k]) for k in range(ops.shape(elems)[0])])


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: Any = None
) -> Any:
    """Return the last state of a fold over the first axis."""
    count = ops.shape(elems)[0]
    first = 0 if initializer is not None else 1
    state = elems[0] if initializer is None else initializer
    for k in range(first, count):
        state = fn(state, elems[k])
    return state


def _random(name: str) -> Callable[..., Any]:
    from fastrnn import random

    found: Callable[..., Any] = getattr(random, name)
    return found


def random_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return numbers of a normal distribution."""
    return _random("normal")(shape, mean, stddev, dtype=dtype, seed=seed)


def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return numbers of a normal distribution, those beyond two deviations drawn again."""
    return _random("truncated_normal")(shape, mean, stddev, dtype=dtype, seed=seed)


def random_uniform(
    shape: Shape,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike = None,
    seed: Any = None,
) -> Any:
    """Return numbers from ``minval`` to before ``maxval``."""
    return _random("uniform")(shape, minval, maxval, dtype=dtype, seed=seed)


def random_bernoulli(
    shape: Shape, p: float = 0.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return ones with the probability ``p``, zeros otherwise."""
    drawn = _random("uniform")(shape, 0.0, 1.0, seed=seed)
    return ops.cast(ops.less(drawn, p), dtype or config.floatx())


random_binomial = random_bernoulli


def random_normal_variable(shape: Shape, mean: float, scale: float, **options: Any) -> Variable:
    """Return a variable of numbers of a normal distribution."""
    return variable(random_normal(shape, mean, scale, seed=options.get("seed")))


def random_uniform_variable(shape: Shape, low: float, high: float, **options: Any) -> Variable:
    """Return a variable of numbers from ``low`` to before ``high``."""
    return variable(random_uniform(shape, low, high, seed=options.get("seed")))


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Return ``x`` with a share ``level`` of its entries set to 0, the others scaled up."""
    return _random("dropout")(x, level, noise_shape, seed=seed)


__all__ = __dir__()
