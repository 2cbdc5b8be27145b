"""Capabilities: what a layer can be besides a function of whole batches.

Each layer says by itself whether it looks at one time step alone, how a stream computes it and how
ONNX says it. What a class says holds for its own ``forward``: a subclass that computes something
else says it anew, see ``describes_forward``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy.typing as npt

from fastrnn.activations import Activation
from fastrnn.core import errors
from fastrnn.core.variable import Variable
from fastrnn.engines.contract import StreamStage

if TYPE_CHECKING:
    from fastrnn.layers.base.symbolic import Node

Array = npt.NDArray[Any]

ANOTHER_AXIS = "it computes along another axis than the features"
ALL_STEPS = "its output needs all steps of the sequence"
MOVED_STEPS = "it changes which axis the steps stand on, or how many there are"
UNKNOWN = "it is not known to compute each step on its own"


class OnnxGraph(Protocol):
    """A graph of ONNX's operators in the making; names stand for tensors."""

    def node(
        self, operator: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any
    ) -> Any:
        """Append a node; return the name of its output, or a list of names of several."""

    def constant(self, value: npt.ArrayLike) -> str:
        """Return the name of a constant."""

    def weight(self, variable: Variable, array: Array | None = None) -> str:
        """Return the name of a weight, or of what was made of it."""

    def activate(self, activation: Activation, name: str, owner: Any) -> str:
        """Append an activation, unless it is linear."""

    def layer(self, layer: Any, inputs: list[str], call: Node) -> list[str]:
        """Append a layer inside a layer."""

    def recurrent(
        self,
        owner: Any,
        directions: Sequence[Any],
        merge_mode: str | None,
        inputs: list[str],
    ) -> list[str]:
        """Append the operator that runs the cells of recurrent layers, one for each direction."""


class Capabilities:
    """What a layer says about itself; the defaults are those of a layer that nothing is known of.

    Attributes:
        stepwise: whether each time step of the outputs needs that step of the inputs alone.
        takes_integers: whether the inputs are integers, and not numbers of the layer's dtype.
        stateful: whether states are kept from one call to the next.
        stream_refusal: why the layer cannot be run one time step at a time, if it is not stepwise.
    """

    name: str
    dtype: str
    stepwise = False
    takes_integers = False
    stateful = False
    stream_refusal = UNKNOWN
    input_features: int | None
    _build_shape: Any

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """Axes along which entries are computed from each other, where the layer is stepwise."""
        return (-1,)

    # ---- one time step at a time ----

    def refuse_stream(self, first: bool) -> str | None:
        """Return why the layer cannot be run one time step at a time; ``None`` where it can.

        Args:
            first: whether it is the first layer of a chain.
        """
        if not self.stepwise or not describes_forward(type(self), "stepwise"):
            return self.stream_refusal
        rank = step_rank(self) + 1
        return None if {axis % rank for axis in self.mixed_axes} <= {rank - 1} else ANOTHER_AXIS

    @property
    def stream_features(self) -> int | None:
        """How many numbers of a step the weights take, where they say it."""
        return self.input_features

    @property
    def streamed_shape(self) -> Any:
        """The shape of the inputs, where a model was made for one."""
        return None

    def stream_ops(self, features: int) -> list[StreamStage] | None:
        """Return what the fused engine's stream computes for the layer, outside training.

        Args:
            features: numbers in a step of the inputs.

        Returns:
            The operations in order, none for a layer that hands its inputs through; ``None`` where
            the layer is not made of them, and is run as it is.
        """
        return None

    def stream_layers(self) -> Sequence[Capabilities]:
        """Return the layers that a stream runs one after the other: a model's own, or this one."""
        return [self]

    def stream_states(self, batch_size: int) -> list[Array]:
        """Return the states with which a stream begins, (batch_size, …) each; none by default."""
        return []

    def stream_step(self, inputs: Array, states: list[Array]) -> tuple[Array, list[Array]]:
        """Compute one time step outside training, where the fused engine's stream does not.

        Args:
            inputs: (batch, …), the step.
            states: those after the step before.

        Returns:
            The outputs of the step, (batch, …), and the new states.
        """
        raise NotImplementedError

    def snapshot(self) -> Self:
        """Return a copy with weights of its own, and without the calls on tensors."""
        raise NotImplementedError

    def convert_inputs(self, inputs: Any) -> Any:
        """Return inputs as arrays of the type that the layer takes."""
        raise NotImplementedError

    # ---- ONNX ----

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append what the layer computes outside training to a graph of ONNX's operators.

        Args:
            graph: the graph.
            inputs: names of the inputs, batches first.
            call: the call on symbolic tensors, which has their shapes.

        Returns:
            The names of the outputs.

        Raises:
            ValueError: the layer, or an option of it, has no counterpart.
        """
        raise NotImplementedError


def describes_forward(cls: type, member: str) -> bool:
    """Whether ``member`` of a class is said of the ``forward`` that the class has.

    >>> class Double(Capabilities):
    ...     stepwise = True
    ...     def forward(self, inputs, context): ...
    >>> class Cumulative(Double):
    ...     def forward(self, inputs, context): ...
    >>> describes_forward(Double, "stepwise"), describes_forward(Cumulative, "stepwise")
    (True, False)
    """
    for kind in cls.__mro__:
        if member in vars(kind):
            return kind is not Capabilities
        if "forward" in vars(kind):
            return False
    return False


def step_rank(layer: Capabilities) -> int:
    """Return the rank of one time step of the layer's inputs: one less than that of the inputs."""
    shape = layer._build_shape
    return len(shape) - 1 if isinstance(shape, tuple) and len(shape) > 1 else 2


def not_in_onnx(layer: Capabilities, received: Any, expected: str) -> str:
    """Say that a layer, or an option of it, has no counterpart in ONNX."""
    return errors.bad_argument(f"layer {layer.name!r}", received, f"{expected}, for ONNX")
