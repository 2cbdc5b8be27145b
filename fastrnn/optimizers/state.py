"""HasState: the variables of an optimizer as arrays, and its names of Keras 2."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from fastrnn.core import errors
from fastrnn.core.old_members import OldMember
from fastrnn.core.user_warnings import deprecated
from fastrnn.core.variable import Variable
from fastrnn.typing import Array, ArrayLike


class HasState:
    """An optimizer whose variables can be read and written."""

    learning_rate: Any

    weights = OldMember(lambda optimizer: optimizer.variables, "optimizer.variables")

    @property
    def variables(self) -> list[Variable]:
        """What is kept from one update to the next."""
        raise NotImplementedError

    @property
    def lr(self) -> Any:
        """The learning rate, by its name of Keras 1 and 2."""
        deprecated("optimizer.lr", "optimizer.learning_rate")
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        deprecated("optimizer.lr", "optimizer.learning_rate")
        self.learning_rate = value

    def get_weights(self) -> list[Array]:
        """Return copies of the variables, as Keras 2 did: today they are in ``variables``."""
        deprecated("optimizer.get_weights()", "optimizer.variables")
        return [variable.numpy() for variable in self.variables]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Overwrite the variables, in their order.

        Raises:
            ValueError: the number of arrays or a shape does not fit. Nothing is changed then.
        """
        own, arrays = self.variables, [Variable(array, name="weight").value for array in weights]
        if len(arrays) != len(own):
            expected = f"{len(own)} arrays, for `variables`"
            remedy = "The optimizer has all of them once it is built."
            received = f"{len(arrays)} arrays"
            raise ValueError(errors.bad_argument("weights", received, expected, remedy))
        for variable, array in zip(own, arrays, strict=True):
            if array.shape != variable.shape:
                expected = f"{variable.shape}, that of {variable.path!r}"
                raise ValueError(errors.bad_shape("weights", array.shape, expected))
        for variable, array in zip(own, arrays, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the variables into a dict, under their numbers."""
        store.update({str(k): variable.numpy() for k, variable in enumerate(self.variables)})

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Take the variables out of what ``save_own_variables`` filled.

        Raises:
            ValueError: the number of arrays or a shape does not fit. Nothing is changed then.
        """
        self.set_weights([store[key] for key in sorted(store, key=int)])
