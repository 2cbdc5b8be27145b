"""R2Score: the share of variance that is explained."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.options import Integer, choice, takes_options
from fastrnn.core.user_warnings import warn
from fastrnn.losses.alignment import align, to_labels, to_predictions
from fastrnn.metrics.base import Metric, register, weights_of_entries
from fastrnn.typing import Array, ArrayLike, DTypeLike, WeightsLike

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@register()
class R2Score(Metric):
    """1 minus the squared error by the labels' variance: 1 where all predictions are right.

    Args:
        class_aggregation: ``"uniform_average"``, the mean of the scores of all outputs;
            ``"variance_weighted_average"``; or ``None``, an array of them.
        num_regressors: number of independent variables, for the adjusted score, or 0.
        name, dtype: see ``Metric``.

    >>> metric = R2Score()
    >>> metric.update_state(np.array([[1.0], [4.0], [3.0]]), np.array([[2.0], [4.0], [4.0]]))
    >>> round(metric.result(), 6)
    0.571429
    """

    _sum: Array
    _squares: Array
    _errors: Array
    _count: Array
    _num_samples: int

    class_aggregation: str | None
    num_regressors: int

    @takes_options
    def __init__(
        self,
        class_aggregation: Annotated[str | None, choice(*AGGREGATIONS)] = "uniform_average",
        num_regressors: Integer = 0,
        name: str | None = "r2_score",
        dtype: DTypeLike = None,
    ) -> None:
        if num_regressors < 0:
            raise ValueError(errors.bad_argument("num_regressors", num_regressors, "at least 0"))
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike = None
    ) -> None:
        """Add labels and predictions, (batch, outputs), and weights, (batch,)."""
        y_true, y_pred = align(to_labels(y_true), to_predictions(y_pred))
        if y_pred.ndim != 2:
            remedy = f"{type(self).__name__} expects 2D inputs with shape (batch, outputs)."
            raise ValueError(errors.bad_shape("y_pred", y_pred.shape, "rank 2", remedy))
        if y_true.shape != y_pred.shape:
            raise ValueError(errors.bad_shape("y_true", y_true.shape, f"{y_pred.shape}"))
        y_true, y_pred = y_true.astype(np.float64), y_pred.astype(np.float64)
        weights = weights_of_entries(sample_weight, y_true.shape)
        self._sum = self._sum + (y_true * weights).sum(axis=0)
        self._squares = self._squares + (y_true**2 * weights).sum(axis=0)
        self._errors = self._errors + ((y_true - y_pred) ** 2 * weights).sum(axis=0)
        self._count = self._count + weights.sum(axis=0)
        self._num_samples += y_true.size

    def result(self) -> Any:
        """Return the score: a float, or an array where nothing is aggregated; 0 at first."""
        if not self._num_samples:
            return 0.0
        with np.errstate(all="ignore"):  # labels without variance, weights of 0
            variance = self._squares - self._sum * (self._sum / self._count)
            scores = 1 - self._errors / variance
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = scores.mean()
            elif self.class_aggregation == "variance_weighted_average":
                scores = (variance * scores).sum() / variance.sum()
        degrees = self._num_samples - self.num_regressors - 1
        if self.num_regressors and degrees <= 0:
            message = "R2Score has no adjusted score of fewer samples than num_regressors + 2: "
            warn(f"{message}the plain score is returned.")
        elif self.num_regressors:
            scores = 1 - (1 - scores) * (self._num_samples - 1) / degrees
        return scores if self.class_aggregation is None else float(scores)

    def reset_state(self) -> None:
        """Forget all batches."""
        self._sum = self._squares = self._errors = self._count = np.zeros(())
        self._num_samples = 0
