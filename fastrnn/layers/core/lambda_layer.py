"""Lambda: a function of the user's as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_float_array, to_real_array
from fastrnn.core.nest import flatten
from fastrnn.layers.base.layer import CallContext, Layer, Pullback, registry
from fastrnn.layers.base.place import raise_with_place
from fastrnn.layers.base.traced import TracedCall, Traces

Array = npt.NDArray[Any]

NEVER_DATA = (
    "A Lambda layer is Python code, which in a file is arbitrary code execution: fastrnn neither "
    "writes it into a configuration nor makes it from one. Build the model in code, and load its "
    "weights alone; or write a Layer of your own with `get_config`."
)


@registry.register()
class Lambda(Layer):
    """Applies a function of yours, written in NumPy or with ``fastrnn.ops``.

    Args:
        function: takes an array, or a list of arrays where the layer is called on a list, and
            returns an array or a list of arrays. The arrays that it gets cannot be written to. It
            may have arguments ``mask`` and ``training``, which the call then fills in.
        output_shape: the shape of the outputs without the batch, a list of such shapes, or a
            function of the shape of the inputs. ``None``: the function is tried on arrays of ones.
        mask: the mask that travels on, or a function (inputs, mask) that returns it.
        arguments: dict of further keyword arguments for the function.
        **kwargs: ``name``, ``dtype``, ``trainable``, and ``vjp``: a function with the arguments of
            ``function`` that returns ``outputs, pullback``, where ``pullback(d_outputs)`` is the
            gradient of the inputs (a list where they are one), given that of the outputs.

    Training needs a gradient if there are weights before the layer: the function is traced, see
    ``fastrnn.layers.base.traced``, unless there is a ``vjp``. As in Keras, weights that it uses are
    not those of the layer, and are not trained by it.

    Floats are converted to the layer's dtype; integers stay what they are. No configuration and no
    file can hold such a layer: ``get_config`` and ``from_config`` raise ``ValueError``.

    Raises:
        TypeError: an argument that must be a function is none.
        NotImplementedError: gradients are asked of a function that needs values; or
            the shape of the outputs cannot be found out, and ``output_shape`` is not given.

    >>> import numpy as np
    >>> from fastrnn.layers import Lambda
    >>> Lambda(lambda x: x**2)(np.array([[1.0, -3.0]]))
    array([[1., 9.]], dtype=float32)
    >>> square = Lambda(lambda x: x**2)
    >>> outputs, pullback = square.vjp(np.array([[1.0, -3.0]]))
    >>> pullback(np.ones((1, 2)))[0]
    array([[ 2., -6.]], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        backward = kwargs.pop("vjp", None)
        super().__init__(**kwargs)
        for argument, value in {"function": function, "vjp": backward}.items():
            if not callable(value) and (argument == "function" or value is not None):
                raise TypeError(errors.bad_argument(argument, value, "a function"))
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._backward = backward
        self._traces = Traces()
        self.built = True

    def convert_inputs(self, inputs: Any) -> Any:
        """Return the arrays, floats in the layer's dtype."""
        if isinstance(inputs, (list, tuple)) and any(np.ndim(entry) for entry in inputs):
            return [self._convert("inputs", entry) for entry in inputs]
        return self._convert("inputs", inputs)

    def _convert(self, argument: str, value: Any) -> Array:
        array = to_real_array(argument, value)
        floating = array.dtype.kind == "f"
        return to_float_array(argument, array, self.dtype) if floating else array

    def check_inputs(self, inputs: Any) -> None:
        """Leave shapes to the function."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes that were given or that the function's results have."""
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        several = isinstance(input_shape[0], (tuple, list))
        if self._output_shape is not None:
            batch = input_shape[0][0] if several else input_shape[0]
            return _with_batch(batch, self._output_shape)
        return self._try_shapes(input_shape, several)

    def _try_shapes(self, input_shape: Any, several: bool) -> Any:
        """Call the function on ones; lengths that follow an unknown one are unknown."""
        found = []
        for stand_in in (5, 7):
            ones = [
                _read_only(np.ones([stand_in if n is None else n for n in shape], self.dtype))
                for shape in (input_shape if several else [input_shape])
            ]
            try:
                with np.errstate(all="ignore"):
                    results = self.function(ones if several else ones[0], **self._options())
            except Exception as error:
                raise NotImplementedError(
                    f"The shape of the outputs of layer {self.name!r} is not known: its function "
                    f"fails on arrays of ones ({error}). Pass `output_shape`."
                ) from error
            found.append(results)
        pairs = zip(*map(_listed, found), strict=True)
        shapes = [_common(np.shape(a), np.shape(b)) for a, b in pairs]
        return shapes if isinstance(found[0], (list, tuple)) else shapes[0]

    def _options(self, mask: Any = None, training: bool = False) -> dict[str, Any]:
        """Return the keyword arguments of a call of the function."""
        known = _argument_names(self.function)
        given = {"mask": mask, "training": training}
        return {**self.arguments, **{k: v for k, v in given.items() if k in known}}

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that was given, or what the function that was given returns."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def forward(
        self, inputs: Any, context: CallContext, mask: Any = None
    ) -> tuple[Any, Pullback | None]:
        """Call the function, or the one with the gradient."""
        several = isinstance(inputs, list)
        given = [_read_only(x) for x in inputs] if several else _read_only(inputs)
        options = self._options(mask, context.training)
        wanted = context.gradient and context.input_gradient
        floats = any(x.dtype.kind == "f" for x in _listed(inputs))
        if not (wanted and floats):
            outputs = self._take(self.function(given, **options))
            return outputs, (lambda d: (None, [])) if context.gradient else None
        backward = self._backward or self._derive
        results, pull = backward(given, **options)
        outputs = self._take(results)

        def pullback(d_outputs: Any) -> tuple[Any, list[Array]]:
            if isinstance(outputs, list):
                pairs = zip(outputs, d_outputs, strict=True)
                d_outputs = [np.zeros_like(y) if d is None else d for y, d in pairs]
            d_inputs = pull(d_outputs)
            return self._gradients(inputs, d_inputs), []

        return outputs, pullback

    def _derive(self, inputs: Any, **options: Any) -> tuple[Any, Any]:
        """Do what a ``vjp`` does, by tracing the function."""
        given = {name: options.pop(name) for name in ("mask",) if name in options}

        def call(inputs: Any, given: dict[str, Any]) -> Any:
            return self.function(inputs, **options, **given)

        try:
            traced = self._traces.follow(call, (inputs, given), options.get("training"))
        except Exception as error:
            reason = NotImplementedError(
                f"The gradient of layer {self.name!r}, which training needs, cannot be found: "
                f"{error} Use operations of fastrnn.ops, or pass `vjp`, a function of the inputs "
                "that returns (outputs, pullback)."
            )
            raise_with_place(reason.with_traceback(error.__traceback__), "In its function")
        arrays = _listed(inputs)
        masks = [m for m in flatten(list(given.values())) if isinstance(m, np.ndarray)]
        results, pull = traced.evaluate([*arrays, *masks], gradient=True)
        if not traced.checked:
            self._require_same(traced, results, call(inputs, given))

        def pullback(d_outputs: Any) -> Any:
            assert pull is not None
            d_arrays = pull(d_outputs)[0][: len(arrays)]
            d_inputs = [
                np.zeros_like(x) if d is None else d for x, d in zip(arrays, d_arrays, strict=True)
            ]
            return d_inputs if isinstance(inputs, list) else d_inputs[0]

        return results, pullback

    def _require_same(self, traced: TracedCall, results: Any, found: Any) -> None:
        """Raise ``NotImplementedError`` if a function draws numbers that its trace has kept."""
        random = any(getattr(n.layer, "draws_anew", False) for n in traced.graph.nodes)
        pairs = zip(_listed(results), _listed(found), strict=True)
        if not random and not all(
            np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True) for a, b in pairs
        ):
            raise NotImplementedError(
                f"The gradient of layer {self.name!r}, which training needs, cannot be found: its "
                "function gives other values each time. Draw numbers with fastrnn.random, or pass "
                "`vjp`, a function of the inputs that returns (outputs, pullback)."
            )
        traced.checked = True

    def _take(self, results: Any) -> Any:
        """Return results as arrays that may be written to, floats in the layer's dtype."""
        if isinstance(results, (list, tuple)):
            return [self._take(result) for result in results]
        array = self._convert("the function's result", results)
        return np.require(array, requirements=["C", "W"])

    def _gradients(self, inputs: Any, d_inputs: Any) -> Any:
        """Return what the pullback gave, or raise ``ValueError`` if shapes differ."""
        arrays, given = _listed(inputs), _listed(d_inputs)
        if len(arrays) != len(given) or not all(
            d is None or np.shape(d) == x.shape for x, d in zip(arrays, given, strict=True)
        ):
            expected = f"a pullback that returns gradients of shapes {[x.shape for x in arrays]}"
            received = [np.shape(d) for d in given]
            raise ValueError(errors.bad_argument("vjp", received, expected))
        converted = [None if d is None else np.asarray(d, self.dtype) for d in given]
        return converted if isinstance(inputs, list) else converted[0]

    def get_config(self) -> dict[str, Any]:
        """Raise ``ValueError``: a configuration holds no code."""
        raise ValueError(f"{NEVER_DATA} Received: layer {self.name!r}.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Raise ``ValueError``: a configuration, and so a file, never becomes code."""
        raise ValueError(f"{NEVER_DATA} Received: the configuration of a {cls.__name__}.")


def _read_only(array: Array) -> Array:
    # Other layers hold on to the same array for their gradients.
    view = array.view()
    view.flags.writeable = False
    return view


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _argument_names(function: Callable[..., Any]) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # functions in C that do not say
        return set()


def _with_batch(batch: int | None, shape: Any) -> Any:
    """Put the batch in front of a shape, or of each shape of a list."""
    if any(isinstance(entry, (list, tuple)) for entry in shape):
        return [_with_batch(batch, entry) for entry in shape]
    return (batch, *shape)


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int | None, ...]:
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))
