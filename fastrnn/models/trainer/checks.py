"""Checks: the data of a call, made into batches that fit the model before anything changes."""

from __future__ import annotations

import functools

from fastrnn.core import errors
from fastrnn.core.nest import flatten, is_shape
from fastrnn.core.user_warnings import deprecated
from fastrnn.models.quantization import require_trainable
from fastrnn.models.trainer.batches import (
    ArrayBatches,
    Batch,
    Batches,
    IterableBatches,
    class_weights_to_sample_weights,
    count_samples,
    make_batches,
    split,
    to_labels,
    whole_batch,
)
from fastrnn.models.trainer.packing import unpack_x_y_sample_weight
from fastrnn.models.trainer.trainable import Trainable
from fastrnn.typing import Nest

ClassWeight = dict[int, float] | None


def training_batches(
    model: Trainable,
    x: Nest,
    y: Nest,
    sample_weight: Nest,
    class_weight: ClassWeight,
    batch_size: int | None,
    shuffle: bool,
) -> Batches:
    """Return the data of ``fit`` as batches.

    Raises:
        ValueError: a layer is quantized, or the data do not fit each other.
    """
    class_weight = _without_auto(class_weight)
    weights = _weights(model, y, sample_weight, class_weight)
    batches = make_batches(x, y, weights, batch_size, bool(shuffle), model.convert_inputs)
    return _weighed(batches, y, class_weight, _rank(model))


def training_batch(
    model: Trainable, x: Nest, y: Nest, sample_weight: Nest, class_weight: ClassWeight
) -> Batches:
    """Return the data of ``train_on_batch`` as one batch; as ``training_batches`` does."""
    class_weight = _without_auto(class_weight)
    weights = _weights(model, y, sample_weight, class_weight)
    batch = whole_batch(x, y, weights, model.convert_inputs)
    return _weighed(batch, y, class_weight, _rank(model))


def _without_auto(class_weight: ClassWeight | str) -> ClassWeight:
    """Return no weights where Keras 1 made none of the word ``"auto"``."""
    if isinstance(class_weight, str) and class_weight == "auto":
        deprecated('fit(class_weight="auto")', "fit(…)")
        return None
    return class_weight  # type: ignore[return-value]


def _weights(model: Trainable, y: Nest, sample_weight: Nest, class_weight: ClassWeight) -> Nest:
    """Return the weights of the samples, where labels are given by themselves."""
    require_trainable(model.sublayers)
    if class_weight is None:
        return sample_weight
    if sample_weight is not None:
        expected, received = "None beside `class_weight`", type(sample_weight).__name__
        raise ValueError(errors.bad_argument("sample_weight", received, expected))
    return None if y is None else class_weights_to_sample_weights(y, class_weight, _rank(model))


def _weighed(batches: Batches, y: Nest, class_weight: ClassWeight, rank: int | None) -> Batches:
    """Let data that come in batches be weighed by their labels."""
    if class_weight is not None and y is None:
        if isinstance(batches, ArrayBatches):
            raise ValueError(errors.bad_argument("y", None, "labels, with `class_weight`"))
        batches.weigh = functools.partial(_weigh_classes, class_weight, rank)
    return batches


def _rank(model: Trainable) -> int | None:
    """Return the rank of the model's output; ``None`` for several, or where it is not known."""
    try:
        shape = getattr(model, "output_shape", None)
    except ValueError:  # it is not built
        return None
    return len(shape) if shape and is_shape(shape) else None


def _weigh_classes(
    class_weight: dict[int, float], rank: int | None, x: Nest, y: Nest, sample_weight: Nest
) -> Batch:
    """Return a batch with weights of its samples by their labels."""
    if sample_weight is not None:
        expected = "None in batches, beside `class_weight`"
        raise ValueError(errors.bad_argument("sample_weight", "an array", expected))
    if y is None:
        raise ValueError(errors.bad_argument("y", None, "labels, with `class_weight`"))
    return x, y, class_weights_to_sample_weights(y, class_weight, rank)


def validation_batches(model: Trainable, data: Nest, batch_size: int | None) -> Batches:
    """Return the ``validation_data`` of ``fit`` as batches."""
    x, y, weights = unpack_x_y_sample_weight(data)
    return make_batches(x, y, weights, batch_size, False, model.convert_inputs)


def split_off(batches: Batches, fraction: float, weighed: bool) -> tuple[Batches, Batches]:
    """Return batches without their last samples, and these for validation.

    Args:
        batches: of arrays.
        fraction: ``validation_split``, the share of the samples.
        weighed: whether class weights, which count in training alone, are the sample weights.
    """
    if not isinstance(batches, ArrayBatches):
        expected = "0 for data that comes in batches"
        raise ValueError(errors.bad_argument("validation_split", fraction, expected))
    kept, last = split(batches, fraction)
    if weighed:
        last.sample_weight = None
    return kept, last


# ---- against the model -------------------------------------------------------------------------


def check_data(model: Trainable, batches: Batches, labelled: bool = True) -> None:
    """Build the model, and raise ``ValueError`` if the data do not fit it.

    Data that come in batches are checked batch by batch, the first one now.
    """
    if isinstance(batches, IterableBatches):
        batches.check = functools.partial(check_batch, model) if labelled else None
        x, y, sample_weight = batches.peek()
        if labelled:
            check_batch(model, x, y, sample_weight)
        else:
            model.accept(x)
        return
    size = batches.batch_size
    _check_inputs(model, batches.part(slice(0, size))[0])
    # A model of a fixed batch size cannot take a last batch that is shorter.
    last = (batches.samples - 1) // size * size
    if last:
        _check_inputs(model, batches.part(slice(last, None))[0])
    if labelled:
        _check_labels(model, batches.x, batches.y, batches.sample_weight)


def first_batch(model: Trainable, batches: Batches) -> Batch:
    """Return the first batch as arrays."""
    if isinstance(batches, IterableBatches):
        return check_batch(model, *batches.peek())
    return batches.part(slice(0, batches.batch_size))


def check_batch(model: Trainable, x: Nest, y: Nest, sample_weight: Nest) -> Batch:
    """Return a batch as arrays, or raise ``ValueError`` if it does not fit the model."""
    x = model.accept(x)
    samples = count_samples(x)
    y = to_labels("y", y, samples, "x")
    sample_weight = to_labels("sample_weight", sample_weight, samples, "x")
    _check_labels(model, x, y, sample_weight)
    return x, y, sample_weight


def _check_inputs(model: Trainable, x: Nest) -> None:
    """Build the model for arrays that it has converted, and check them."""
    if not model.built:
        model.build_for(x)
    model.check_inputs(x)


def _check_labels(model: Trainable, x: Nest, y: Nest, sample_weight: Nest) -> None:
    shapes = model.output_shapes_for(x)
    model.objectives.check(y, sample_weight, flatten(shapes, is_shape))
