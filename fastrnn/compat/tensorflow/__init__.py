"""TensorFlow's names, for scripts of the form ``import tensorflow as tf`` and ``tf.keras…``.

``tf.keras`` is fastrnn; the functions compute with ``fastrnn.ops``, on arrays and on symbolic
tensors. What they give on arrays are arrays that have ``numpy()``.

>>> import fastrnn.compat.tensorflow as tf
>>> tf.keras.layers.LSTM(3).units
3
>>> tf.reduce_mean(tf.constant([[1.0, 3.0]]), axis=1).numpy()
array([2.], dtype=float32)
"""

import sys

from fastrnn.compat.aliases import KERAS, TENSORFLOW, AliasFinder

sys.meta_path.insert(
    0,
    AliasFinder(
        {
            f"{__name__}.keras": KERAS,
            "fastrnn.compat.keras": KERAS,
            **{f"{__name__}.{name}": TENSORFLOW for name in ("compat", "compat.v1", "compat.v2")},
        }
    ),
)

from fastrnn.compat.tensorflow import dtypes  # noqa: E402
from fastrnn.compat.tensorflow.names import attributes  # noqa: E402
from fastrnn.compat.tensorflow.table import MATH, ROOT  # noqa: E402

__version__ = "2.20.0"  # of which these names are
newaxis = None
_OWN = "compat.tensorflow"


def _in(module: str, names: str) -> dict[str, str]:
    return {name: f"{_OWN}.{module}:{name}" for name in names.split()}


_PLACES = {
    "keras": "compat.keras",
    "function": f"{_OWN}.control:function",
    "GradientTape": "layers.base.tape:GradientTape",
    "TensorShape": "core.tensor_array:TensorShape",
    "TensorSpec": "data.spec:TensorSpec",
    **{
        name: f"{_OWN}.{name}"
        for name in [
            "config",
            "data",
            "debugging",
            "distribute",
            "dtypes",
            "errors",
            "io",
            "linalg",
            "math",
            "nn",
            "random",
            "strings",
            "test",
        ]
    },
    # The same names, whichever version a script asks for.
    **dict.fromkeys(("compat", "v1", "v2"), _OWN),
    **{name: name for name in ("initializers", "losses", "metrics", "optimizers")},
    **_in("dtypes", f"DType as_dtype {' '.join(dtypes.NAMES)}"),
    "bool": f"{_OWN}.dtypes:bool_",
    **_in("types", "Tensor Variable"),
    **_in(
        "arrays",
        "boolean_mask cast constant convert_to_tensor eye fill is_tensor linspace one_hot ones "
        "ones_like range rank shape size to_float to_int32 unique where zeros zeros_like",
    ),
    **_in(
        "shaping",
        "argmax argmin argsort concat gather gather_nd pad repeat reshape reverse slice sort split "
        "stack transpose unstack",
    ),
    **_in(
        "math",
        "add_n confusion_matrix count_nonzero cumprod cumsum l2_normalize polyval "
        "squared_difference",
    ),
    **_in("linalg", "einsum matmul norm"),
    **_in("random", "multinomial"),
    **_in("io", "gfile"),
    **_in("logs", "autograph get_logger logging"),
    **_in(
        "control",
        "clip_by_global_norm clip_by_norm cond custom_gradient executing_eagerly global_norm "
        "map_fn name_scope no_op numpy_function py_function recompute_grad scan vectorized_map "
        "while_loop",
    ),
    **_in("session", "Graph Session get_default_graph"),
    **{
        relation: f"{_OWN}.debugging:{relation}"
        for relation in [
            "assert_equal",
            "assert_greater",
            "assert_less",
            "assert_non_negative",
            "assert_positive",
            "assert_rank",
        ]
    },
    "InteractiveSession": f"{_OWN}.session:Session",
    "ConfigProto": f"{_OWN}.session:Settings",
    "GPUOptions": f"{_OWN}.session:Settings",
    "device": "core.device:device",
    "print": f"{_OWN}.control:print_values",
    "py_func": f"{_OWN}.control:numpy_function",
    "control_dependencies": f"{_OWN}.control:no_scope",
    "random_normal": f"{_OWN}.random:normal",
    "random_uniform": f"{_OWN}.random:uniform",
    "truncated_normal": f"{_OWN}.random:truncated_normal",
    "random_shuffle": f"{_OWN}.random:shuffle",
    "set_random_seed": f"{_OWN}.random:set_seed",
    "matrix_band_part": f"{_OWN}.linalg:band_part",
    **{
        name: f"initializers:{initializer}"
        for name, initializer in {
            "constant_initializer": "Constant",
            "ones_initializer": "Ones",
            "random_normal_initializer": "RandomNormal",
            "random_uniform_initializer": "RandomUniform",
            "truncated_normal_initializer": "TruncatedNormal",
            "zeros_initializer": "Zeros",
        }.items()
    },
    **dict.fromkeys(
        [
            "disable_eager_execution",
            "disable_resource_variables",
            "disable_v2_behavior",
            "disable_v2_tensorshape",
            "enable_eager_execution",
            "enable_resource_variables",
            "enable_v2_behavior",
            "global_variables_initializer",
            "group",
            "initialize_all_variables",
            "local_variables_initializer",
            "reset_default_graph",
            "tables_initializer",
        ],
        f"{_OWN}.control:no_op",
    ),
}

__getattr__, __dir__ = attributes("", _PLACES, {**MATH, **ROOT})
