"""merge and Merge: the layers that join several inputs, chosen by a mode, as in Keras 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastrnn.core import errors
from fastrnn.core.user_warnings import deprecated
from fastrnn.layers.base.layer import Layer, registry
from fastrnn.layers.core.lambda_layer import Lambda
from fastrnn.layers.merging.concatenate import Concatenate
from fastrnn.layers.merging.dot import Dot
from fastrnn.layers.merging.merge import Add, Average, Maximum, Minimum, Multiply

# Axes of two inputs: one of both, one of each, or lists of one of each.
AxesLike = int | Sequence[int | Sequence[int]]
# As ``Lambda`` takes it.
ShapeOption = Sequence[int | None] | Callable[..., Any] | None
# Today's layer for each mode without options.
_LAYERS: dict[str, type[Layer]] = {
    "sum": Add,
    "mul": Multiply,
    "ave": Average,
    "max": Maximum,
    "min": Minimum,
}
_MODES = (*_LAYERS, "concat", "dot", "cos")


def merge(
    inputs: Sequence[Any],
    mode: str | Callable[..., Any] = "sum",
    concat_axis: int = -1,
    dot_axes: AxesLike = -1,
    output_shape: ShapeOption = None,
    name: str | None = None,
    **options: Any,
) -> Any:
    """Join symbolic tensors.

    Args:
        inputs: the tensors.
        mode: ``"sum"``, ``"mul"``, ``"concat"``, ``"ave"``, ``"max"``, ``"min"``, ``"dot"``,
            ``"cos"``, or a function of the list of tensors.
        concat_axis: the axis of ``"concat"``.
        dot_axes: the axes of ``"dot"`` and ``"cos"``: one, two, or a list of two lists.
        output_shape: that of a function, see ``Lambda``.
        name: name of the layer.
        **options: ``arguments`` of a function, and ``output_mask`` and ``node_indices``, without
            effect.

    Raises:
        ValueError: the mode is unknown.
    """
    return Merge(None, mode, concat_axis, dot_axes, output_shape, name=name, **options)(inputs)


def Merge(
    layers: Sequence[Layer] | None = None,
    mode: str | Callable[..., Any] = "sum",
    concat_axis: int = -1,
    dot_axes: AxesLike = -1,
    output_shape: ShapeOption = None,
    name: str | None = None,
    arguments: dict[str, Any] | None = None,
    **options: Any,
) -> Layer:
    """Return the layer that joins several inputs.

    Args:
        layers: models of which the outputs are joined; the first layer of a ``Sequential`` may be
            such a one. ``None``: the layer is called on a list of tensors.
        mode, concat_axis, dot_axes, output_shape, name, arguments: see ``merge``.
        **options: without effect.

    Raises:
        ValueError: the mode is unknown.
    """
    joined = _layer(mode, concat_axis, dot_axes, output_shape, arguments, name)
    deprecated(f"merge(mode={mode!r})" if isinstance(mode, str) else "merge(mode=f)", _today(mode))
    if layers is None:
        return joined
    branches = [_branch(layer) for layer in layers]
    outputs = joined([output for _, output in branches])
    # A model is a layer of a floor above; the table of layers has it.
    model: Layer = registry.classes["Functional"](
        [tensor for inputs, _ in branches for tensor in inputs], outputs
    )
    return model


def _layer(
    mode: str | Callable[..., Any],
    concat_axis: int,
    dot_axes: AxesLike,
    output_shape: ShapeOption,
    arguments: dict[str, Any] | None,
    name: str | None,
) -> Layer:
    """Return today's layer for a mode."""
    if callable(mode):
        return Lambda(mode, output_shape, arguments=arguments, name=name)
    if mode in _LAYERS:
        return _LAYERS[mode](name=name)
    if mode == "concat":
        return Concatenate(axis=concat_axis, name=name)
    if mode in ("dot", "cos"):
        return Dot(_axes(dot_axes), normalize=mode == "cos", name=name)
    raise ValueError(errors.not_one_of("mode", mode, _MODES))


def _today(mode: str | Callable[..., Any]) -> str:
    if callable(mode):
        return "Lambda(f)(inputs)"
    if mode in _LAYERS:
        return f"{_LAYERS[mode].__name__}()(inputs)"
    return {"concat": "Concatenate(axis)(inputs)", "dot": "Dot(axes)(inputs)"}.get(
        mode, "Dot(axes, normalize=True)(inputs)"
    )


def _axes(axes: AxesLike) -> Any:
    """Return the axes of a product, of which Keras 1 took lists in a list, too."""
    if isinstance(axes, (list, tuple)):
        return tuple(axis[0] if isinstance(axis, (list, tuple)) else axis for axis in axes)
    return axes


def _branch(layer: object) -> tuple[list[Any], Any]:
    """Return inputs and outputs of a model, or a tensor that ``Input`` gave as both."""
    if isinstance(layer, Layer):
        model: Any = layer
        return list(model.inputs), model.outputs[0]
    return [layer], layer
