"""Steps: what a model does with one batch. A subclass may replace ``train_step``, ``test_step``."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.layers.base.context import CallContext, Penalties
from fastrnn.models.trainer.batches import Batch, whole_batch
from fastrnn.models.trainer.checks import (
    ClassWeight,
    check_batch,
    check_data,
    training_batch,
)
from fastrnn.models.trainer.compilation import require_compiled, require_loss
from fastrnn.models.trainer.own_steps import (
    has_own_loss,
    test_with_own_loss,
    train_with_own_loss,
)
from fastrnn.models.trainer.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from fastrnn.models.trainer.trainable import Trainable
from fastrnn.regularizers import penalty_gradient
from fastrnn.typing import Nest

Logs = dict[str, Any]
# Methods of Keras's models that are never called here: they work on tensors that a tape follows.
_NEVER_CALLED = (
    "predict_step", "make_train_function", "make_test_function", "make_predict_function",
)  # fmt: skip


def train_step(self: Trainable, data: Nest) -> Logs:
    """Train on one batch; ``fit`` and ``train_on_batch`` call it.

    A subclass may do it its own way: compute with ``self.vjp``, differentiate the loss by its
    ``value_and_gradient``, and give the gradients to ``self.optimizer.apply``. It may do
    without a loss in ``compile``.

    Args:
        data: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``: see
            ``utils.unpack_x_y_sample_weight``.

    Returns:
        The logs: numbers by their names. Of a subclass's own step, those of the last batch are
        the logs of the epoch.

    >>> import numpy as np
    >>> import fastrnn
    >>> class Trained(fastrnn.Sequential):
    ...     def train_step(self, data):
    ...         x, y = data
    ...         outputs, pullback = self.vjp(x, training=True)
    ...         loss, gradient = fastrnn.losses.Huber().value_and_gradient(y, outputs)
    ...         _, gradients = pullback(gradient)
    ...         self.optimizer.apply(gradients, self.trainable_weights)
    ...         return {"loss": loss}
    >>> model = Trained([fastrnn.Input((5, 3)), fastrnn.layers.GRU(2)])
    >>> model.compile("adam")
    >>> history = model.fit(np.zeros((4, 5, 3)), np.zeros((4, 2)), verbose=0)
    >>> history.history
    {'loss': [0.0]}
    """
    x, y, sample_weight = _checked(self, "train_step", data)
    assert self.optimizer is not None
    if has_own_loss(self):
        return train_with_own_loss(self, x, y, sample_weight)
    penalties = Penalties()
    context = CallContext(training=True, gradient=True, input_gradient=False, penalties=penalties)
    outputs, pullback, mask = self.run(x, context)
    loss, gradient = self.objectives.loss_and_gradient(y, outputs, sample_weight, mask)
    assert pullback is not None
    _, gradients = pullback(gradient)
    variables = self.trainable_weights
    of_loss = self.objectives.weight_gradients
    for k, variable in enumerate(variables):
        if id(variable) in of_loss:
            gradients[k] = gradients[k] + of_loss[id(variable)]
        if variable.regularizer is not None:
            gradients[k] = gradients[k] + penalty_gradient(variable.regularizer, variable.value)
    total = loss + sum(penalties) + sum(self.weight_penalties)
    scale = self.optimizer.scale_loss(1.0)
    if scale != 1:  # else the usual case, without copies
        gradients = [gradient * scale for gradient in gradients]
    self.optimizer.apply(gradients, variables)
    return self.objectives.track(total, y, outputs, sample_weight, mask)


def test_step(self: Trainable, data: Nest) -> Logs:
    """Evaluate one batch; ``evaluate``, ``test_on_batch`` and validations call it.

    Args and results are those of ``train_step``.
    """
    x, y, sample_weight = _checked(self, "test_step", data)
    if has_own_loss(self):
        return test_with_own_loss(self, x, y, sample_weight)
    penalties = Penalties()
    outputs, _, mask = self.run(x, CallContext(penalties=penalties))
    loss = self.objectives.loss(y, outputs, sample_weight, mask)
    total = loss + sum(penalties) + sum(self.weight_penalties)
    return self.objectives.track(total, y, outputs, sample_weight, mask)


_STANDARD = {"train_step": train_step, "test_step": test_step}


def is_standard(model: Trainable, step: str) -> bool:
    """Whether a step is that of all models, which needs a loss and labels.

    Raises:
        ValueError: the model is not compiled, or not as the step needs it.
        NotImplementedError: the model has a method of Keras's that would never be called.
    """
    if getattr(type(model), step) is not _STANDARD[step] or has_own_loss(model):
        require_compiled(model)
        return False
    for name in _NEVER_CALLED:
        if hasattr(model, name):
            raise NotImplementedError(
                f"`{name}` of model {model.name!r} would never be called: there is no function to "
                f"compile. Write `{step}(self, data)`, with a `GradientTape`, or `self.vjp` and "
                "the `value_and_gradient` of a loss, and rename it."
            )
    require_loss(model)
    return True


def checked_logs(step: str, logs: Logs) -> Logs:
    """Return what a step returned as numbers, or raise ``TypeError`` if that is no dict."""
    if not isinstance(logs, dict):
        expected = "a dict of numbers by their names"
        raise TypeError(errors.bad_argument(step, logs, expected))
    return {name: _number(value) for name, value in logs.items()}


def _number(value: Any) -> Any:
    """Return an array or a tensor of one number as a number."""
    if hasattr(value, "__array__") and np.size(value) == 1:
        return np.asarray(value).item()
    return value


def _checked(model: Trainable, step: str, data: Nest) -> Batch:
    """Return the parts of a batch, checked if it comes from a step of a subclass."""
    batch = unpack_x_y_sample_weight(data)
    if getattr(type(model), step) is _STANDARD[step]:
        return batch
    require_loss(model)
    return check_batch(model, *batch)


# ---- single batches ----------------------------------------------------------------------------


def train_on_batch(
    self: Trainable,
    x: Nest,
    y: Nest = None,
    sample_weight: Nest = None,
    class_weight: ClassWeight = None,
    return_dict: bool = False,
) -> float | list[float] | Logs:
    """Train on one batch; return its loss before the update and metrics, as ``evaluate``."""
    standard = is_standard(self, "train_step")
    to_choice("return_dict", return_dict, (False, True))
    data = training_batch(self, x, y, sample_weight, class_weight)
    check_data(self, data, labelled=standard)
    self.reset_metrics()
    logs = self.train_step(pack_x_y_sample_weight(*next(iter(data))))
    return as_result(checked_logs("train_step", logs), return_dict)


def test_on_batch(
    self: Trainable,
    x: Nest,
    y: Nest = None,
    sample_weight: Nest = None,
    return_dict: bool = False,
) -> float | list[float] | Logs:
    """Return loss and metrics of one batch, in inference mode."""
    standard = is_standard(self, "test_step")
    to_choice("return_dict", return_dict, (False, True))
    data = whole_batch(x, y, sample_weight, self.convert_inputs)
    check_data(self, data, labelled=standard)
    self.reset_metrics()
    logs = self.test_step(pack_x_y_sample_weight(*next(iter(data))))
    return as_result(checked_logs("test_step", logs), return_dict)


def as_result(logs: Logs, return_dict: bool) -> float | list[float] | Logs:
    """Return logs as ``evaluate`` does: a dict, a list, or the loss alone."""
    if return_dict:
        return dict(sorted(logs.items()))
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
