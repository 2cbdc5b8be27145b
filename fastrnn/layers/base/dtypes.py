"""HasDType: the types of a layer's weights and values, under Keras's names."""

from __future__ import annotations

from fastrnn.core.dtype_policy import DTypePolicy


class HasDType:
    """A layer that keeps its weights in the type in which it computes."""

    dtype: str

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The types of the weights and of the values, with a name."""
        return DTypePolicy(self.dtype)

    @property
    def compute_dtype(self) -> str:
        """The type in which the layer computes."""
        return self.dtype

    @property
    def variable_dtype(self) -> str:
        """The type of the weights."""
        return self.dtype

    @property
    def input_dtype(self) -> str:
        """The type to which inputs are converted."""
        return self.dtype
