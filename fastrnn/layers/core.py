"""Input, Dense, Embedding, Activation and Masking."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import activations, config, constraints, errors, initializers, regularizers
from fastrnn.checks import to_choice, to_number, to_positive_int, to_real_array, to_shape
from fastrnn.layers.base import CallContext, Layer, Pullback, Shape, auto_name, registry
from fastrnn.layers.variable import Variable

Array = npt.NDArray[Any]

INPUT_TYPES = ("float32", "float64", "int32", "int64", "bool")


class SymbolicTensor:
    """What ``Input`` returns: the shape and type of a model's inputs, without values.

    Attributes:
        shape: batch first; ``None`` where an axis has no fixed length.
        dtype: name of the type.
        name: the input's name.
    """

    def __init__(self, shape: Shape, dtype: str, name: str) -> None:
        self.shape, self.dtype, self.name = shape, dtype, name

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        raise TypeError(
            f"{self!r} has no values: put it first into a Sequential model. Functional models, "
            "where layers are called on an Input, are not supported yet."
        )


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> SymbolicTensor:
    """Describe the inputs of a model; the first entry of a ``Sequential``.

    Args:
        shape: shape of one sample, without the batch; ``None`` for an axis of any length.
        batch_size: fixed batch size, which stateful layers need; ``None`` for any.
        dtype: type of the inputs, the default float type unless given.
        sparse, ragged, tensor, optional: accepted at their defaults only.
        batch_shape: shape with the batch first, instead of ``shape`` and ``batch_size``.
        name: name of the input.

    Raises:
        ValueError: neither or both of ``shape`` and ``batch_shape`` are given, or an axis is no
            positive integer or ``None``.

    >>> from fastrnn import Input
    >>> Input((100, 50)).shape
    (None, 100, 50)
    """
    for argument, value in {"sparse": sparse, "ragged": ragged, "tensor": tensor}.items():
        if value is not None and value is not False:
            raise ValueError(errors.bad_argument(argument, value, "None; inputs are dense arrays"))
    if optional:
        raise ValueError(errors.bad_argument("optional", optional, "False"))
    if (shape is None) == (batch_shape is None):
        raise ValueError(
            errors.bad_argument("shape", shape, "exactly one of `shape` and `batch_shape`")
        )
    if batch_shape is None:
        assert shape is not None
        batch_shape = (batch_size, *to_shape("shape", shape))
    elif batch_size is not None:
        raise ValueError(errors.bad_argument("batch_size", batch_size, "None with `batch_shape`"))
    full = to_shape("batch_shape", batch_shape)
    type_name = config.floatx() if dtype is None else np.dtype(dtype).name
    if type_name not in INPUT_TYPES:
        raise ValueError(errors.not_one_of("dtype", dtype, INPUT_TYPES))
    return SymbolicTensor(full, type_name, auto_name("InputLayer") if name is None else name)


@registry.register()
class InputLayer(Layer):
    """An ``Input`` as a layer, as Keras also allows it."""

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        # The names of these arguments in older scripts.
        older_shape = kwargs.pop("input_shape", None)
        older_batch_shape = kwargs.pop("batch_input_shape", None)
        if kwargs:
            raise ValueError(errors.unknown_arguments("InputLayer", kwargs))
        self.tensor = Input(
            older_shape if shape is None else shape,
            batch_size,
            dtype,
            sparse,
            ragged,
            older_batch_shape if batch_shape is None else batch_shape,
            name,
            input_tensor,
            optional,
        )
        super().__init__(name=self.tensor.name)
        self.built = True

    @property
    def batch_shape(self) -> Shape:
        """Shape with the batch first."""
        return self.tensor.shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.tensor.dtype,
            "name": self.name,
        }


def _refuse_adapters(lora_rank: Any, lora_alpha: Any, quantization_config: Any) -> None:
    to_choice("lora_rank", lora_rank, (None,))
    to_choice("lora_alpha", lora_alpha, (None,))
    to_choice("quantization_config", quantization_config, (None,))


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
    min_input_rank = 2
    input_axes = "(batch, …, features)"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        _refuse_adapters(lora_rank, lora_alpha, quantization_config)
        self.units = to_positive_int("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel: Variable
        self.bias: Variable | None = None

    def make_weights(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        features = known_features(input_shape, self.name)
        self.input_features = features
        self.kernel = self.add_weight(
            (features, self.units),
            initializer=self.kernel_initializer,
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                initializer=self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, …, units)."""
        return (*input_shape[:-1], self.units)

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Compute the outputs as one matrix product over all leading axes."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        pre = rows @ self.kernel.value
        if self.bias is not None:
            pre += self.bias.value
        outputs = self.activation(pre)
        shape = (*inputs.shape[:-1], self.units)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d = d_outputs.reshape(-1, self.units)
            if self.activation is not activations.linear:
                d = self.activation.vjp(pre, outputs, d)
            d_bias = d.sum(axis=0) if self.bias is not None else None
            d_weights = self.gradients_of((self.kernel, rows.T @ d), (self.bias, d_bias))
            return (d @ self.kernel.value.T).reshape(inputs.shape), d_weights

        return outputs.reshape(shape), pullback if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


def known_features(input_shape: Any, name: str) -> int:
    """Return the length of the last axis, or raise ``ValueError`` where it is not known."""
    if len(input_shape) < 2 or input_shape[-1] is None:
        raise ValueError(
            errors.bad_shape("input_shape", input_shape, f"a fixed last axis for layer {name!r}")
        )
    return int(input_shape[-1])


@registry.register()
class Embedding(Layer):
    """A vector for each of a number of integers.

    Args:
        input_dim: number of different integers: 0 to ``input_dim - 1``.
        output_dim: length of the vectors.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: as elsewhere.
        mask_zero: whether 0 is padding, which the layers after this one then skip.
        weights: initial vectors, (input_dim, output_dim), or a list with that array.
        lora_rank, lora_alpha, quantization_config: accepted as ``None`` only.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: embeddings (input_dim, output_dim).
    Inputs: integers (or floats that hold integers), any shape. Outputs: that shape, output_dim.

    Raises:
        ValueError: a size is no positive integer; a call has an integer out of range.

    >>> import numpy as np
    >>> from fastrnn.layers import Embedding
    >>> Embedding(1000, 8)(np.array([[4, 10], [0, 999]])).shape
    (2, 2, 8)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("input_length", None) is not None:
            warnings.warn(
                "Embedding's `input_length` has no effect; leave it out.", UserWarning, stacklevel=2
            )
        super().__init__(**kwargs)
        _refuse_adapters(lora_rank, lora_alpha, quantization_config)
        self.input_dim = to_positive_int("input_dim", input_dim)
        self.output_dim = to_positive_int("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.embeddings: Variable
        if weights is not None:
            self.build((None,))
            self.set_weights(weights if isinstance(weights, list) else [weights])

    def make_weights(self, input_shape: Any) -> None:
        """Make the table of vectors."""
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def convert_inputs(self, inputs: Any) -> Array:
        """Return the inputs as integers in range."""
        array = to_real_array("inputs", inputs)
        if array.size == 0:
            raise ValueError(errors.bad_shape("inputs", array.shape, "no axis of length 0"))
        if array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise ValueError(errors.bad_argument("inputs", "NaN or infinity", "integers"))
            array = array.astype(np.int64)
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= self.input_dim:
            received = f"integers from {low} to {high}"
            expected = f"integers from 0 to input_dim - 1 = {self.input_dim - 1}"
            remedy = f"Layer {self.name!r} needs a larger input_dim, or the data fewer words."
            raise ValueError(errors.bad_argument("inputs", received, expected, remedy))
        return np.asarray(array, dtype=np.intp, order="C")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the inputs' shape and output_dim."""
        return (*input_shape, self.output_dim)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return where the inputs are not 0, if ``mask_zero``; else ``None``."""
        return np.not_equal(inputs, 0) if self.mask_zero else None

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Gather the vectors."""
        outputs = self.embeddings.value[inputs]

        def pullback(d_outputs: Array) -> tuple[None, list[Array]]:
            if not self.trainable_weights:
                return None, []
            return None, [scatter_add(inputs.ravel(), d_outputs, self.embeddings.shape)]

        return outputs, pullback if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }


def scatter_add(index: Array, values: Array, shape: tuple[int, ...]) -> Array:
    """Return an array of ``shape`` whose row k is the sum of the ``values`` with index k."""
    from scipy.sparse import csr_array

    rows = values.reshape(index.size, shape[1])
    ones = np.ones(index.size, rows.dtype)
    one_hot = csr_array((ones, index, np.arange(index.size + 1)), shape=(index.size, shape[0]))
    return np.ascontiguousarray(one_hot.T @ rows)


@registry.register()
class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: name or function, see ``fastrnn.activations``.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.

    >>> import numpy as np
    >>> from fastrnn.layers import Activation
    >>> Activation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Apply the activation."""
        outputs = self.activation(inputs)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            return self.activation.vjp(inputs, outputs, d_outputs), []

        return outputs, pullback if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


@registry.register()
class Masking(Layer):
    """Marks the steps whose features all equal ``mask_value``, which later layers then skip.

    Args:
        mask_value: the number that marks a step.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: (batch, timesteps, features). Outputs: the same, marked steps zero.

    >>> import numpy as np
    >>> from fastrnn.layers import Masking
    >>> Masking().compute_mask(np.array([[[1.0], [0.0]]]))
    array([[ True, False]])
    """

    supports_masking = True
    min_input_rank = 2

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = to_number("mask_value", mask_value)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return (batch, timesteps), True where some feature differs from ``mask_value``."""
        return np.not_equal(inputs, self.mask_value).any(axis=-1)

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Set the marked steps to zero."""
        keep = self.compute_mask(inputs)[..., None]

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            return np.where(keep, d_outputs, 0), []

        return np.where(keep, inputs, 0), pullback if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), "mask_value": self.mask_value}
