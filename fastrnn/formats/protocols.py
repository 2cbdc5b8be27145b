"""Protocols: what a model and its layers offer those that read and write files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import Layer
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Config


class SavableLayer(Protocol):
    """A layer, or a model, whose variables stand in files."""

    name: str

    @property
    def saved_variables(self) -> list[Variable]:
        """The variables of the layer itself, in the order of files."""
        ...

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The attributes in which inner layers may stand, in the order of files."""
        ...

    @property
    def sublayers(self) -> Sequence[SavableLayer]:
        """The layers inside."""
        ...


@runtime_checkable
class LayerContainer(Protocol):
    """A model, as what is made of layers knows it, which may be asked for one."""

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        ...

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of this name, or at this place."""
        ...


class SavableModel(SavableLayer, Protocol):
    """A model that can be written, and set to what a file holds."""

    optimizer: Optimizer | None

    @property
    def layers(self) -> list[Layer]:
        """The layers, inputs among them."""
        ...

    @property
    def weights(self) -> list[Variable]:
        """All weights."""
        ...

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        ...

    def get_config(self) -> Config:
        """Return what makes the model again."""
        ...
