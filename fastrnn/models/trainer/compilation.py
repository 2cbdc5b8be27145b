"""Compilation: the choice of an optimizer, losses and metrics."""

from __future__ import annotations

from fastrnn import optimizers
from fastrnn.core import errors
from fastrnn.core.old_keywords import takes_old_keywords
from fastrnn.models.trainer.objectives import Objectives
from fastrnn.models.trainer.trainable import Trainable
from fastrnn.typing import LossLike, MetricLike, OptimizerLike


@takes_old_keywords
def compile(
    self: Trainable,
    optimizer: OptimizerLike = "rmsprop",
    loss: LossLike | list[LossLike] = None,
    loss_weights: float | list[float] | dict[str, float] | None = None,
    metrics: MetricLike | list[MetricLike] = None,
    weighted_metrics: MetricLike | list[MetricLike] = None,
    run_eagerly: bool = False,
    steps_per_execution: int = 1,
    jit_compile: bool | str = "auto",
    auto_scale_loss: bool = True,
) -> None:
    """Choose how the model is trained and measured.

    Args:
        optimizer: name or object, see ``fastrnn.optimizers``.
        loss: name, object or function, see ``fastrnn.losses``. For a model of several outputs,
            one for all, a list, or a dict by their names; ``None`` among them for an output
            that is not trained.
        loss_weights: factor of the loss, or a list or dict of them; ``None`` is 1.
        metrics: names or objects, see ``fastrnn.metrics``; sample weights do not touch them.
            For several outputs, a list with an entry for each, or a dict.
        weighted_metrics: the same, with sample weights.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted; they have
            no effect here.

    Raises:
        ValueError: a name is unknown. The model stays compiled as it was.
    """
    chosen = optimizers.get(optimizer)
    if not isinstance(chosen, optimizers.Optimizer):
        raise ValueError(errors.bad_argument("optimizer", optimizer, "an optimizer"))
    specified = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics}
    self.objectives = Objectives(self, {**specified, "weighted_metrics": weighted_metrics})
    self.optimizer, self.loss, self.compiled = chosen, loss, True


def require_compiled(model: Trainable) -> None:
    """Raise ``ValueError`` if the model has no optimizer yet."""
    if not model.compiled:
        raise ValueError(
            "The model is not compiled: call model.compile(optimizer=…, loss=…) first."
        )


def require_loss(model: Trainable) -> None:
    """Raise ``ValueError`` if no output of the model is trained."""
    require_compiled(model)
    if not model.objectives.has_loss:
        raise ValueError(errors.bad_argument("loss", None, "a loss", "Give one to model.compile."))
