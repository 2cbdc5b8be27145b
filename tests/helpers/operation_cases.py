# ruff: noqa: E501 - a table of cases, one a line
"""Arguments for each operation of the table: most follow from its signature."""

import inspect

import numpy as np

from fastrnn import ops
from fastrnn.ops.operation import OPERATIONS

SHAPES = [((3, 4),), ((2, 3, 4),), ((5,),), ((),)]
PAIRS = [((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((3, 1), (1, 4)), ((), (3,)), ((2, 1, 4), (3, 1))]
REDUCED = [
    {}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)},
]  # fmt: skip
# Where functions are defined and smooth; -2 to 2, away from 0, for all others.
DOMAINS = {
    "positive": (0.3, 2.0, "log log2 log10 log1p sqrt rsqrt power"),
    "inside": (-0.9, 0.9, "arcsin arccos arctanh erfinv"),
    "beyond": (1.2, 3.0, "arccosh"),
}


class Case:
    """Arrays, given as shapes, in the place of the tensors, and options.

    Attributes:
        name: of the operation.
        args: by position: shapes in ``S``, arrays, and others.
        kwargs: by name.
    """

    def __init__(self, name, *args, **kwargs):
        self.name, self.args, self.kwargs = name, args, kwargs

    def __repr__(self):
        return f"{self.name}{self.args}{self.kwargs or ''}".replace(" ", "")

    def arrays(self, dtype="float64", seed=0):
        """Return arguments with arrays of ``dtype`` in the place of shapes."""
        rng = np.random.default_rng([seed, len(self.name)])

        def fill(value):
            if isinstance(value, S):
                return draw(self.name, rng, value, dtype)
            if isinstance(value, np.ndarray) and value.dtype == "float64":
                return value.astype(dtype if np.dtype(dtype).kind == "f" else "float32")
            if isinstance(value, (list, tuple)) and any(isinstance(v, S) for v in value):
                return type(value)(map(fill, value))
            return value

        return [fill(value) for value in self.args]

    def options(self, dtype="float64"):
        """Return the keyword arguments, arrays in the place of shapes."""
        rng = np.random.default_rng(7)
        return {
            k: draw(self.name, rng, v, dtype) if isinstance(v, S) else v
            for k, v in self.kwargs.items()
        }


class S(tuple):
    """A shape in which to draw an array."""

    __slots__ = ()


class P(S):
    """The same, of numbers from 0.1 to 0.9."""

    __slots__ = ()


def draw(name, rng, shape, dtype):
    return np.asarray(_draw(name, rng, shape, dtype))


# Of integers alone.
OF_BITS = {
    *[
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "bitwise_invert",
        "bitwise_not",
        "bitwise_left_shift",
    ],
    *["bitwise_right_shift", "left_shift", "right_shift", "gcd", "lcm"],
}


def _draw(name, rng, shape, dtype):
    dtype = "int32" if name in OF_BITS and np.dtype(dtype).kind == "f" else dtype
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if np.dtype(dtype).kind in "iu":
        return rng.integers(1, 4, shape).astype(dtype)
    if isinstance(shape, P):
        return rng.uniform(0.1, 0.9, shape).astype(dtype)
    for low, high, names in DOMAINS.values():
        if name in names.split():
            return rng.uniform(low, high, shape).astype(dtype)
    signs = rng.choice([-1, 1], shape)
    return (signs * rng.uniform(0.2, 2, shape)).astype(dtype)


CUBE = (2, 3, 4)
I = lambda *v: np.array(v)  # noqa: E731, E741


def of(name, *args, each=({},)):
    """Return a case for each of the keyword arguments."""
    return [Case(name, *args, **kwargs) for kwargs in each]


def lists(name, *all_args):
    return [Case(name, *args) for args in all_args]


AXES = [{"axis": k} for k in (-1, 0, 1)]
WITH_NAN = np.array([[1.0, np.nan, -2.0], [0.5, 3.0, np.nan]], "float32")
LENGTHS = np.array([4, 6], "int32")


def positive_definite(n):
    a = np.random.default_rng(3).standard_normal((2, n, n))
    return a @ a.swapaxes(1, 2) + n * np.eye(n)


GIVEN = {
    # conversions and parts
    "cast": lists("cast", (S((3,)), "float32"), (S((3,)), "int32")),
    "saturate_cast": lists("saturate_cast", (S((3,)), "uint8"), (I(300, -5), "int8")),
    "stop_gradient": lists("stop_gradient", (S((3,)),)),
    "copy": lists("copy", (S((3,)),)),
    "slice": lists("slice", (S(CUBE), (0, 1, 1), (2, 2, 3)), (S((5,)), I(2), (3,))),
    "slice_update": lists("slice_update", (S(CUBE), (0, 1, 1), S((2, 2, 3)))),
    "scatter": lists("scatter", (I([0], [3], [0]), S((3, 2)), (4, 2)), (I([0, 1], [1, 2]), S((2,)), (2, 3))),
    "scatter_update": [
        *lists("scatter_update", (S((4, 2)), I([0], [3]), S((2, 2))), (S((2, 3)), I([0, 1], [1, 2]), S((2,)))),
        Case("scatter_update", S((4, 2)), I([0], [3], [0]), S((3, 2)), reduction="add"),
    ],
    "convert_to_tensor": lists("convert_to_tensor", (S((3,)),), (S((3,)), "float64")),
    "array": lists("array", (S((3,)),), (S((3,)), "float64")),
    # made anew
    "zeros_like": of("zeros_like", S((3,)), each=({}, {"dtype": "int32"})),
    "ones_like": of("ones_like", S((3,)), each=({}, {"dtype": "int32"})),
    "full_like": lists("full_like", (S((3,)), 2.5), (S((2, 3)), S((3,)))),
    "zeros": lists("zeros", ((2, 3),), ((2,), "int32")),
    "ones": lists("ones", ((2, 3),), ((2,), "bool")),
    "full": lists("full", ((2, 3), 1.5), ((2,), 3, "int32")),
    "arange": lists("arange", (5,), (1, 7, 2), (0.0, 1.0, 0.25), (3, None, None, "float32")),
    "eye": lists("eye", (3,), (2, 4, 1)),
    "identity": lists("identity", (3,)),
    "tri": lists("tri", (3,), (2, 4, -1)),
    "linspace": lists("linspace", (0.0, 1.0, 5), (I(0.0, 1.0), I(2.0, 3.0), 4)),
    "logspace": lists("logspace", (0.0, 1.0, 5)),
    "geomspace": lists("geomspace", (1.0, 8.0, 4)),
    **{name: lists(name, (6,)) for name in ("bartlett", "blackman", "hamming", "hanning")},
    "kaiser": lists("kaiser", (6, 5.0)),
    # entries
    "where": lists("where", (I(True, False, True), S((2, 3)), S((3,)))),
    "clip": lists("clip", (S((3, 4)), -0.5, 1.0), (S((3, 4)), S((4,)), 2.5)),
    "round": lists("round", (S((3, 4)),), (S((3, 4)), 1)),
    "nan_to_num": lists("nan_to_num", (S((3,)),), (WITH_NAN, 7.0)),
    "isclose": lists("isclose", (S((3,)), S((3,))), (WITH_NAN, WITH_NAN)),
    "allclose": lists("allclose", (S((3,)), S((3,)))),
    "isin": lists("isin", (I(1, 2, 3), I(2, 3))),
    "select": lists("select", ([I(True, False, False), I(True, True, False)], [S((3,)), S((3,))], 7.0)),
    # shapes
    "reshape": lists("reshape", (S((2, 6)), (3, 4)), (S(CUBE), (-1, 4)), (S(CUBE), -1)),
    "transpose": lists("transpose", (S(CUBE),), (S(CUBE), (1, 2, 0))),
    "expand_dims": lists("expand_dims", *((S((2, 3)), k) for k in (0, -1, (0, 2)))),
    "squeeze": of("squeeze", S((2, 1, 3, 1)), each=({}, {"axis": 1}, {"axis": -1})),
    "ravel": lists("ravel", (S(CUBE),)),
    "swapaxes": lists("swapaxes", (S(CUBE), 0, -1)),
    "moveaxis": lists("moveaxis", (S(CUBE), 0, -1), (S(CUBE), (0, 1), (2, 0))),
    "broadcast_to": lists("broadcast_to", (S((3, 1)), (2, 3, 4))),
    "concatenate": [
        Case("concatenate", [S((2, 3)), S((2, 4))], axis=-1),
        Case("concatenate", [S((2, 3)), S((1, 3))]),
    ],
    "stack": of("stack", [S((2, 3)), S((2, 3))], each=AXES),
    "append": [Case("append", S((2, 3)), S((2, 3))), Case("append", S((2, 3)), S((1, 3)), axis=0)],
    "hstack": lists("hstack", ([S((2, 3)), S((2, 1))],), ([S((3,)), S((2,))],)),
    "vstack": lists("vstack", ([S((2, 3)), S((1, 3))],), ([S((3,)), S((3,))],)),
    "dstack": lists("dstack", ([S((2, 3)), S((2, 3))],)),
    "split": lists("split", (S((4, 6)), 2), (S((4, 6)), [1, 3], 1), (S((4, 6)), 3, -1)),
    "array_split": lists("array_split", (S((5, 2)), 3)),
    "hsplit": lists("hsplit", (S((4, 6)), 2)),
    "vsplit": lists("vsplit", (S((4, 6)), 2)),
    "dsplit": lists("dsplit", (S((2, 3, 4)), 2)),
    "unstack": [Case("unstack", S(CUBE)), Case("unstack", S(CUBE), axis=-1)],
    "tile": lists("tile", (S((2, 3)), 2), (S((2, 3)), (2, 1)), (S((3,)), (2, 2))),
    "repeat": [Case("repeat", S((2, 3)), 2), Case("repeat", S((2, 3)), 3, axis=-1), Case("repeat", S((2, 3)), I(2, 1), axis=0)],
    "flip": of("flip", S(CUBE), each=({}, *AXES)),
    "fliplr": lists("fliplr", (S((2, 3)),)),
    "flipud": lists("flipud", (S((2, 3)),)),
    "rot90": lists("rot90", (S((2, 3)),), (S((2, 3)), 3)),
    "roll": [Case("roll", S((2, 3)), 1), Case("roll", S((2, 3)), 2, axis=-1), Case("roll", S((2, 3)), -1, axis=0)],
    "pad": [
        *lists("pad", (S((2, 3)), ((1, 0), (2, 1))), (S((3,)), ((1, 2),))),
        *lists("pad", (S((2, 3)), ((1, 1), (0, 1)), "reflect"), (S((2, 3)), ((1, 0), (0, 0)), "constant", 2.0)),
    ],
    "meshgrid": [Case("meshgrid", S((2,)), S((3,))), Case("meshgrid", S((2,)), S((3,)), indexing="ij")],
    # places
    "get_item": lists(
        "get_item",
        *((S((4, 3, 2)), key) for key in (
            1, (slice(None), -1), (Ellipsis, None, 0), I(2, 0, 2), (slice(1, None, 2), slice(1, 3)),
            (I(0, 1), slice(None), I(1, 1)),
        )),
    ),
    "take": [
        *lists("take", (S((4, 3)), I(0, 2, 0), 0), (S((4, 3)), I([0, 2], [1, 1]), -1), (S((4, 3)), 2)),
        Case("take", S((2, 3, 4)), I([0, 2], [1, 1]), axis=1),
    ],
    "take_along_axis": lists(
        "take_along_axis", (S((2, 3)), I([0, 0], [2, 1]), 1), (S((2, 3)), I([0], [1]), 1),
        (S((2, 3)), I(0, 0, 4)),
    ),
    "diagonal": [Case("diagonal", S((3, 4))), Case("diagonal", S(CUBE), -1, 1, 2)],
    "diag": lists("diag", (S((3,)),), (S((3, 4)), 1), (S((3,)), -1)),
    "diagflat": lists("diagflat", (S((2, 2)),), (S((3,)), 1)),
    "trace": lists("trace", (S((3, 4)),), (S(CUBE), 1, 1, 2)),
    "tril": lists("tril", (S((3, 4)),), (S(CUBE), 1)),
    "triu": lists("triu", (S((3, 4)),), (S(CUBE), -1)),
    "unravel_index": lists("unravel_index", (I(3, 5), (2, 3))),
    # order
    "sort": of("sort", S((3, 4)), each=AXES),
    "argsort": of("argsort", S((3, 4)), each=AXES),
    "argpartition": lists("argpartition", (I(3, 1, 2), 1)),
    "searchsorted": lists("searchsorted", (I(0.5, 1.0, 2.0), S((3,))), (I(1, 2, 4), I(2, 3), "right")),
    "digitize": lists("digitize", (S((3, 4)), np.array([-1.0, 0.0, 1.0], "float32"))),
    "unique": [Case("unique", I(3, 1, 3)), Case("unique", I(3, 1, 3), return_inverse=True, return_counts=True)],
    "bincount": [Case("bincount", I(1, 1, 3)), Case("bincount", I(1, 3), minlength=6)],
    "histogram": lists("histogram", (S((20,)), 4)),
    "top_k": lists("top_k", (S((3, 5)), 2)),
    "in_top_k": lists("in_top_k", (I(1, 0), S((2, 4)), 2)),
    # sums
    "prod": of("prod", S(CUBE), each=[*REDUCED, {"dtype": "float64"}]),
    "argmax": of("argmax", S((3, 4)), each=({}, {"axis": 1}, {"axis": 0, "keepdims": True})),
    "argmin": of("argmin", S((3, 4)), each=({}, {"axis": 1}, {"axis": 0, "keepdims": True})),
    "nanargmax": of("nanargmax", S((3, 4)), each=({}, {"axis": 1})),
    "nanargmin": of("nanargmin", S((3, 4)), each=({}, {"axis": 1})),
    "max": of("max", S(CUBE), each=[*REDUCED, {"initial": 0.5}]),
    "min": of("min", S(CUBE), each=[*REDUCED, {"initial": 0.5}]),
    "count_nonzero": of("count_nonzero", I([1, 0], [0, 0]), each=({}, {"axis": 0})),
    "average": [Case("average", S((3, 4))), Case("average", S((3, 4)), axis=1, weights=S((4,)))],
    "logsumexp": of("logsumexp", S(CUBE), each=REDUCED),
    "cumsum": of("cumsum", S((3, 4)), each=({}, *AXES[:2])),
    "cumprod": of("cumprod", S((3, 4)), each=({}, *AXES[:2])),
    "nancumsum": of("nancumsum", S((3, 4)), each=({}, {"axis": 1})),
    "nancumprod": of("nancumprod", S((3, 4)), each=({}, {"axis": 1})),
    "diff": of("diff", S((3, 4)), each=({}, {"axis": 0}, {"n": 2})),
    "trapezoid": [Case("trapezoid", S((3, 4))), Case("trapezoid", S((3, 4)), I(0.0, 1.0, 3.0, 4.0))],
    "median": of("median", S((3, 5)), each=({}, {"axis": 1}, {"axis": 0, "keepdims": True})),
    "quantile": of("quantile", S((3, 5)), 0.3, each=({}, {"axis": 1}, {"axis": 0, "method": "lower"})),
    "percentile": of("percentile", S((3, 5)), 30.0, each=({}, {"axis": 1})),
    **{
        name: [Case(name, WITH_NAN, **kw) for kw in ({}, {"axis": 1})]
        for name in ("nansum", "nanmean", "nanmax", "nanmin", "nanvar", "nanstd", "nanprod")
    },
    # products
    "matmul": lists(
        "matmul",
        *((S(a), S(b)) for a, b in (
            ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((4,), (4, 5)),
            ((3, 4), (4,)), ((4,), (4,)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3)),
        )),
    ),
    "dot": lists("dot", *((S(a), S(b)) for a, b in (((3, 4), (4, 5)), ((4,), (4,)), ((2, 3, 4), (4,)), ((3,), ())))),
    "inner": lists("inner", (S((3, 4)), S((2, 4))), (S((4,)), S((4,)))),
    "outer": lists("outer", (S((3,)), S((4,)))),
    "vdot": lists("vdot", (S((3,)), S((3,)))),
    "tensordot": lists("tensordot", (S((2, 3, 4)), S((3, 4, 5))), (S((2, 3, 4)), S((4, 2)), ([0, 2], [1, 0])), (S((2, 3)), S((3, 2)), 1)),
    "einsum": lists(
        "einsum", ("bij,bjk->bik", S((2, 3, 4)), S((2, 4, 5))), ("ij->ji", S((2, 3))),
        ("bti,bsi->bts", S((2, 3, 4)), S((2, 5, 4))), ("ii->i", S((3, 3))), ("ij,j", S((2, 3)), S((3,))),
        ("...ij,jk->...ik", S((2, 2, 3)), S((3, 4))), ("ab,bc,cd->ad", S((2, 3)), S((3, 4)), S((4, 2))),
        ("ij->i", S((2, 3))), ("i,j->ij", S((2,)), S((3,))),
    ),
    "cross": lists("cross", (S((2, 3)), S((2, 3)))),
    # linear algebra
    "norm": [
        *of("norm", S((3, 4)), each=({}, {"axis": 1}, {"ord": 1, "axis": 0}, {"ord": 3, "axis": 1}, {"ord": np.inf, "axis": 1})),
        *of("norm", S((3, 4)), each=({"ord": "fro"}, {"ord": 1, "axis": (0, 1)}, {"ord": np.inf, "axis": (0, 1)}, {"axis": -1, "keepdims": True})),
    ],
    **{name: [Case(name, positive_definite(3))] for name in ("inv", "det", "slogdet", "logdet", "pinv", "matrix_rank")},
    "cholesky": of("cholesky", positive_definite(3), each=({}, {"upper": True})),
    "cholesky_inverse": lists("cholesky_inverse", (np.linalg.cholesky(positive_definite(3)),)),
    "solve": lists("solve", (positive_definite(3), S((2, 3, 2)))),
    "solve_triangular": lists("solve_triangular", (np.triu(positive_definite(3)), S((2, 3, 2)))),
    "lstsq": lists("lstsq", (positive_definite(3)[0], S((3,)))),
    "qr": lists("qr", (positive_definite(3),)),
    "svd": of("svd", positive_definite(3), each=({"compute_uv": False},)),
    "eigh": lists("eigh", (positive_definite(3),)),
    # segments
    **{
        name: lists(name, (S((5, 2)), I(0, 0, 1, 3, 1), 4), (S((4,)), I(0, 1, 1, 0)))
        for name in ("segment_sum", "segment_max", "segment_min", "segment_prod")
    },
    "extract_sequences": lists("extract_sequences", (S((2, 9)), 4, 2)),
    # networks
    "softmax": of("softmax", S(CUBE), each=({}, {"axis": 1}, {"axis": (1, 2)})),
    "log_softmax": of("log_softmax", S(CUBE), each=({}, {"axis": 0})),
    "sparsemax": lists("sparsemax", (S((3, 4)),)),
    "glu": of("glu", S((2, 4)), each=({}, {"axis": 0})),
    "threshold": lists("threshold", (S((3, 4)), 0.5, -1.0)),
    "leaky_relu": of("leaky_relu", S((3, 4)), each=({}, {"negative_slope": 0.3})),
    "elu": of("elu", S((3, 4)), each=({}, {"alpha": 0.5})),
    "celu": of("celu", S((3, 4)), each=({}, {"alpha": 0.5})),
    "gelu": of("gelu", S((3, 4)), each=({}, {"approximate": False})),
    "hard_shrink": of("hard_shrink", S((3, 4)), each=({}, {"threshold": 1.0})),
    "soft_shrink": of("soft_shrink", S((3, 4)), each=({}, {"threshold": 1.0})),
    "squareplus": of("squareplus", S((3, 4)), each=({}, {"b": 2})),
    "one_hot": [Case("one_hot", I([0, 2], [1, 3]), 4), Case("one_hot", I(0, 2), 3, axis=0, dtype="int32")],
    "multi_hot": [Case("multi_hot", I([0, 2], [1, 1]), 4), Case("multi_hot", I(0, 2), 4)],
    "binary_crossentropy": [
        Case("binary_crossentropy", P((2, 3)), P((2, 3))),
        Case("binary_crossentropy", P((2, 3)), S((2, 3)), from_logits=True),
    ],
    "categorical_crossentropy": [
        Case("categorical_crossentropy", P((2, 3)), P((2, 3))),
        Case("categorical_crossentropy", P((2, 3)), S((2, 3)), from_logits=True),
    ],
    "sparse_categorical_crossentropy": [
        Case("sparse_categorical_crossentropy", I(1, 2), P((2, 3))),
        Case("sparse_categorical_crossentropy", I([1, 2], [0, 0]), S((2, 2, 3)), from_logits=True),
    ],
    "moments": [Case("moments", S(CUBE), [0, 1]), Case("moments", S(CUBE), -1, keepdims=True)],
    "normalize": of("normalize", S((3, 4)), each=({}, {"axis": 0}, {"order": 1})),
    "batch_normalization": [
        Case("batch_normalization", S((3, 4)), S((4,)), P((4,)), -1),
        Case("batch_normalization", S((3, 4)), S((4,)), P((4,)), -1, S((4,)), S((4,))),
    ],
    "layer_normalization": [
        Case("layer_normalization", S((3, 4)), epsilon=1e-3),
        Case("layer_normalization", S((3, 4)), S((4,)), S((4,)), epsilon=1e-3),
    ],
    "rms_normalization": [
        Case("rms_normalization", S((3, 4)), epsilon=1e-3),
        Case("rms_normalization", S((3, 4)), S((4,)), epsilon=1e-3),
    ],
    "dot_product_attention": [
        Case("dot_product_attention", S((2, 3, 2, 4)), S((2, 5, 2, 4)), S((2, 5, 2, 4))),
        Case("dot_product_attention", S((2, 3, 2, 4)), S((2, 3, 2, 4)), S((2, 3, 2, 4)), is_causal=True),
    ],
    "conv": [
        Case("conv", S((2, 7, 3)), S((3, 3, 2)), **kw)
        for kw in ({}, {"strides": 2, "padding": "same"}, {"dilation_rate": 2}, {"padding": "same"})
    ],
    "depthwise_conv": [
        Case("depthwise_conv", S((2, 7, 3)), S((3, 3, 2)), **kw) for kw in ({}, {"strides": 2})
    ],
    "separable_conv": [Case("separable_conv", S((2, 7, 3)), S((3, 3, 2)), S((1, 6, 4)))],
    "average_pool": of("average_pool", S((2, 7, 3)), 3, each=({}, {"strides": 2, "padding": "same"})),
    "max_pool": of("max_pool", S((2, 7, 3)), 3, each=({}, {"strides": 2, "padding": "same"})),
}  # fmt: skip


def cases_of(name):
    """Return the cases of an operation; none where its signature does not give any."""
    if name in GIVEN:
        return GIVEN[name]
    row = OPERATIONS.get(name)
    parameters = list(inspect.signature(getattr(ops, name)).parameters)
    if row is not None and row.elementwise and len(parameters) == len(row.tensors):
        count = len(parameters)
        return [Case(name, *map(S, shapes)) for shapes in (SHAPES if count == 1 else PAIRS)]
    if parameters == ["x", "axis", "keepdims"]:
        return [Case(name, S((2, 3, 4)), **kwargs) for kwargs in REDUCED]
    return []


# Whose results are not arrays, or not given by the arguments: tested by hand.
OTHERS = {
    "shape", "ndim", "size", "dtype", "is_tensor", "convert_to_numpy", "empty", "empty_like",
    "nonzero",
    "cond", "switch", "scan", "while_loop", "fori_loop", "map",
    "vectorized_map", "associative_scan", "custom_gradient", "vectorize",
}  # fmt: skip
CASES = [case for name in dir(ops) if name not in OTHERS for case in cases_of(name)]
