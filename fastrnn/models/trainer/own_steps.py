"""Steps of one's own: what a model's ``train_step`` asks for, and a ``compute_loss`` of its own."""

from __future__ import annotations

from typing import Any

from fastrnn.core.nest import flatten
from fastrnn.core.tracing import active
from fastrnn.layers.base.layer import iterate_layers
from fastrnn.layers.base.tape import GradientTape
from fastrnn.models.trainer.compilation import require_loss
from fastrnn.models.trainer.trainable import Trainable
from fastrnn.typing import Nest


def compute_loss(
    self: Trainable,
    x: Nest = None,
    y: Nest = None,
    y_pred: Nest = None,
    sample_weight: Nest = None,
    training: bool = True,
) -> Any:
    """Return the total loss of a batch: that of ``compile`` and all penalties.

    Within a ``GradientTape`` it is a tensor. A subclass may replace it; ``train_step`` and
    ``test_step`` then ask it.

    Args:
        x: the inputs.
        y: the labels.
        y_pred: the outputs.
        sample_weight: weights of samples or steps.
        training: whether it is a training step.
    """
    total: Any = sum(self.losses, 0.0)
    if self.objectives.has_loss:
        total = self.objectives.loss_of_tensors(y, y_pred, sample_weight) + total
    return total


def compute_metrics(
    self: Trainable, x: Nest, y: Nest, y_pred: Nest, sample_weight: Nest = None
) -> dict[str, Any]:
    """Show a batch to the metrics of ``compile``; return the logs.

    Args are those of ``compute_loss``.
    """
    self.objectives.update_metrics(y, y_pred, sample_weight)
    return self.get_metrics_result()


def get_metrics_result(self: Trainable) -> dict[str, Any]:
    """Return the results of the metrics, by their names."""
    logs: dict[str, Any] = self.objectives.logs()
    for metric in self.metrics:
        if not any(metric is known for known in self.objectives.metrics):
            logs[metric.name] = metric.result()
    return logs


def has_own_loss(model: Trainable) -> bool:
    """Whether a class of the user's computes the loss, or layers of the user's are all that may."""
    if type(model).compute_loss is not compute_loss:
        return True
    alone = model.compiled and not model.objectives.has_loss
    inside = (layer for inner in model.sublayers for layer in iterate_layers(inner))
    return alone and (model.has_own_call or any(layer.has_own_call for layer in inside))


def train_with_own_loss(model: Trainable, x: Nest, y: Nest, sample_weight: Nest) -> dict[str, Any]:
    """Train on one batch with the model's own ``compute_loss``; return the logs."""
    assert model.optimizer is not None
    with GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
    if isinstance(loss, float):  # nothing was computed
        require_loss(model)
    variables = model.trainable_weights
    model.optimizer.apply(tape.gradient(loss, variables), variables)
    return _tracked(model, float(loss), x, y, y_pred, sample_weight)


def test_with_own_loss(model: Trainable, x: Nest, y: Nest, sample_weight: Nest) -> dict[str, Any]:
    """Evaluate one batch with the model's own ``compute_loss``; return the logs."""
    with GradientTape():
        y_pred = model(x, training=False)
        loss = model.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False
        )
    return _tracked(model, float(loss), x, y, y_pred, sample_weight)


def _tracked(
    model: Trainable, loss: float, x: Nest, y: Nest, y_pred: Nest, sample_weight: Nest
) -> dict[str, Any]:
    assert active() is None  # tensors of the tape are values by now
    model.objectives.loss_tracker.add(loss, len(flatten(x)[0]))
    logs: dict[str, Any] = model.compute_metrics(x, y, y_pred, sample_weight)
    return logs
