"""Trainable: what training asks of a model, and what it keeps with it."""

from __future__ import annotations

from typing import Any, Protocol

from fastrnn.callbacks import History
from fastrnn.callbacks.base import WatchedModel
from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import CallContext, Layer, Pullback
from fastrnn.layers.base.symbolic import Node
from fastrnn.models.trainer.cursor import DataCursor
from fastrnn.models.trainer.objectives import HasOutputs, Objectives
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Nest


class Trainable(HasOutputs, WatchedModel, Protocol):
    """A model, as the functions of this folder see it; they are methods of ``Model``.

    Attributes:
        has_own_call: whether ``call`` is the user's.
        optimizer: what updates the weights; ``None`` before ``compile``.
        loss: as it was given to ``compile``.
        compiled: whether ``compile`` has been called.
        objectives: losses and metrics of the outputs.
        cursor: the place in the data of the ``fit`` that is running.
        history: of the last ``fit``.
        stop_training: whether ``fit`` ends with the batch that is running.
    """

    built: bool
    has_own_call: bool
    optimizer: Optimizer | None
    loss: Any
    compiled: bool
    objectives: Objectives
    cursor: DataCursor | None
    history: History | None
    stop_training: bool

    @property
    def sublayers(self) -> list[Layer]:
        """The layers."""
        ...

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        ...

    @property
    def losses(self) -> list[Any]:
        """All penalties, tensors within a ``GradientTape``."""
        ...

    @property
    def metrics(self) -> list[Any]:
        """All metrics."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""
        ...

    def compute_loss(
        self,
        x: Nest = None,
        y: Nest = None,
        y_pred: Nest = None,
        sample_weight: Nest = None,
        training: bool = True,
    ) -> Any:
        """Return the total loss of a batch."""
        ...

    def compute_metrics(
        self, x: Nest, y: Nest, y_pred: Nest, sample_weight: Nest = None
    ) -> dict[str, Any]:
        """Show a batch to the metrics; return the logs."""
        ...

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the results of the metrics."""
        ...

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        ...

    @property
    def weight_penalties(self) -> list[float]:
        """The penalties on these weights."""
        ...

    def build(self, input_shape: Nest) -> None:
        """Make the weights."""
        ...

    def build_for(self, inputs: Nest) -> None:
        """Make the weights for arrays."""
        ...

    def output_shapes_for(self, inputs: Nest) -> Any:
        """Return the shapes of the outputs for arrays."""
        ...

    def calls(self, input_shape: Nest) -> list[Node]:
        """Return the calls of layers that the model makes, in their order."""
        ...

    def compute_output_shape(self, input_shape: Nest) -> Any:
        """Return the shape of the outputs."""
        ...

    def convert_inputs(self, inputs: Nest) -> Any:
        """Return inputs as arrays."""
        ...

    def check_inputs(self, inputs: Nest) -> None:
        """Raise ``ValueError`` if arrays do not fit."""
        ...

    def accept(self, inputs: Nest) -> Any:
        """Return inputs converted and checked; build if needed."""
        ...

    def run(
        self, inputs: Nest, context: CallContext, mask: Nest = None
    ) -> tuple[Any, Pullback | None, Any]:
        """Return outputs, pullback and mask for inputs that ``accept`` returned."""
        ...

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Choose an optimizer, losses and metrics."""
        ...

    def train_step(self, data: Nest) -> dict[str, Any]:
        """Train on one batch; return the logs."""
        ...

    def test_step(self, data: Nest) -> dict[str, Any]:
        """Evaluate one batch; return the logs."""
        ...
