"""HasCalls: what a layer says of its calls on symbolic tensors, under Keras 2's names too."""

from __future__ import annotations

from typing import Any

from fastrnn.core import errors
from fastrnn.core.old_members import OldMember
from fastrnn.core.user_warnings import deprecated
from fastrnn.layers.base.symbolic import Node, shapes_in, sole_node


class HasCalls:
    """A layer that can be asked for its calls on symbolic tensors."""

    nodes: list[Node]

    input_shape = OldMember(lambda layer: shapes_in(sole_node(layer).inputs), "layer.input.shape")
    output_shape = OldMember(lambda layer: shapes_in(sole_node(layer).result), "layer.output.shape")

    @property
    def input(self) -> Any:
        """The symbolic tensors that the layer was called on, if it was once."""
        return sole_node(self).inputs

    @property
    def output(self) -> Any:
        """The symbolic tensors that this call gave."""
        return sole_node(self).result

    def get_input_at(self, node_index: int) -> Any:
        """Return the tensors that a call took; of one call, ``input`` does it today.

        Raises:
            ValueError: there was no such call.
        """
        deprecated("layer.get_input_at(0)", "layer.input")
        return self._node("node_index", node_index).inputs

    def get_output_at(self, node_index: int) -> Any:
        """Return the tensors that a call gave; of one call, ``output`` does it today.

        Raises:
            ValueError: there was no such call.
        """
        deprecated("layer.get_output_at(0)", "layer.output")
        return self._node("node_index", node_index).result

    def _node(self, argument: str, index: int) -> Node:
        if not -len(self.nodes) <= index < len(self.nodes):
            expected = f"a number of one of {len(self.nodes)} calls"
            raise ValueError(errors.bad_argument(argument, index, expected))
        return self.nodes[index]
