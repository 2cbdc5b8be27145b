"""Metrics of distributions: crossentropies, divergence, Poisson; and hinge losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import losses
from fastrnn.losses.alignment import to_labels
from fastrnn.metrics.base import FunctionMetric, registry


@registry.register("binary_crossentropy", "bce", "BCE")
class BinaryCrossentropy(FunctionMetric):
    """Mean of ``losses.BinaryCrossentropy``."""

    _function = staticmethod(losses.binary_crossentropy)

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


@registry.register("categorical_crossentropy")
class CategoricalCrossentropy(FunctionMetric):
    """Mean of ``losses.CategoricalCrossentropy``."""

    _function = staticmethod(losses.categorical_crossentropy)

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(name, dtype, **options)


@registry.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(FunctionMetric):
    """Mean of ``losses.SparseCategoricalCrossentropy``."""

    _function = staticmethod(losses.sparse_categorical_crossentropy)

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(name, dtype, **options)

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; labels to ignore count nothing where there are weights or a mask.

        Without them they count as 0, as in Keras.
        """
        ignored = self._options["ignore_class"]
        if ignored is not None and not (sample_weight is None and mask is None):
            labels = to_labels(y_true)
            keep = (labels[..., 0] if labels.ndim == np.ndim(y_pred) else labels) != ignored
            mask = keep if mask is None else keep & np.asarray(mask, dtype=bool)
        super().update_state(y_true, y_pred, sample_weight, mask)


@registry.register()
class KLDivergence(FunctionMetric):
    """Mean of ``losses.KLDivergence``."""

    _function = staticmethod(losses.kl_divergence)

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register()
class Poisson(FunctionMetric):
    """Mean of ``losses.Poisson``."""

    _function = staticmethod(losses.poisson)

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register()
class Hinge(FunctionMetric):
    """Mean of ``losses.Hinge``."""

    _function = staticmethod(losses.hinge)

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register()
class SquaredHinge(FunctionMetric):
    """Mean of ``losses.SquaredHinge``."""

    _function = staticmethod(losses.squared_hinge)

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register()
class CategoricalHinge(FunctionMetric):
    """Mean of ``losses.CategoricalHinge``."""

    _function = staticmethod(losses.categorical_hinge)

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(name, dtype)
