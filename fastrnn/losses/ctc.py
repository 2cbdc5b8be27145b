"""Connectionist temporal classification: the loss of labels whose times are not known."""

from __future__ import annotations

import numpy as np

from fastrnn import activations
from fastrnn.core import errors
from fastrnn.losses.alignment import check_weights
from fastrnn.losses.base import Terms, TermsLoss, register
from fastrnn.losses.functions import function_of
from fastrnn.typing import Array

BLANK = 0


def _ctc(y_true: Array, y_pred: Array) -> Terms:
    """-log of the probability of all paths that give the labels (Graves et al., 2006).

    A path stays in a state, moves to the next one, or jumps over a blank between two labels that
    differ. States are blanks and labels in turns: (batch, 2·labels + 1).
    """
    labels = y_true.astype(np.intp)
    log_p = activations.log_softmax(y_pred.astype(np.float64))
    states = np.full((len(labels), 2 * labels.shape[1] + 1), BLANK)
    states[:, 1::2] = labels
    emitted = np.take_along_axis(log_p, states[:, None, :], axis=-1)
    may_jump = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    start = np.full(states.shape, -np.inf)
    start[:, :2] = 0
    forward = _sums_over_paths(start, emitted, may_jump)
    end = _end_states(np.count_nonzero(labels != BLANK, axis=1), states.shape)
    total = np.logaddexp.reduce(forward[:, -1] + end, axis=-1)

    def pullback(d: Array) -> Array:
        # The same from the end: times and states run backwards.
        back = (slice(None), slice(None, None, -1))
        backward = _sums_over_paths(end[back], emitted[:, ::-1, ::-1], may_jump[back])
        shares = np.exp(forward + backward[:, ::-1, ::-1] - emitted - total[:, None, None])
        dx = np.exp(log_p)
        batch, times = (np.arange(n) for n in emitted.shape[:2])
        index = (batch[:, None, None], times[:, None], states[:, None, :])
        np.subtract.at(dx, index, shares)
        return (d[:, None, None] * dx).astype(y_pred.dtype)

    return (-total).astype(y_pred.dtype), pullback


def _sums_over_paths(start: Array, emitted: Array, may_jump: Array) -> Array:
    """Return log of the sum over paths to each state at each time, (batch, time, states)."""
    sums = np.empty_like(emitted)
    sums[:, 0] = start + emitted[:, 0]
    for t in range(1, emitted.shape[1]):
        before = sums[:, t - 1]
        arriving = before.copy()
        arriving[:, 1:] = np.logaddexp(arriving[:, 1:], before[:, :-1])
        jumps = np.where(may_jump, before[:, :-2], -np.inf)
        arriving[:, 2:] = np.logaddexp(arriving[:, 2:], jumps)
        sums[:, t] = arriving + emitted[:, t]
    return sums


def _end_states(lengths: Array, shape: tuple[int, ...]) -> Array:
    """Return 0 at the last label and the blank behind it, -inf elsewhere."""
    distance = 2 * lengths[:, None] - np.arange(shape[1])
    return np.where((distance == 0) | (distance == 1), 0.0, -np.inf)


@register()
class CTC(TermsLoss):
    """Connectionist temporal classification, for labels whose times are not known.

    Labels are the numbers of the classes from 1 on, (batch, labels), filled up with 0 at their
    ends; predictions are logits, (batch, timesteps, classes), whose class 0 is the blank. The
    values are those of whole samples, (batch,).

    Args:
        reduction, name, dtype: see ``Loss``.

    >>> CTC()(np.array([[1, 2, 0]]), np.zeros((1, 4, 3)))
    1.6863989535702288
    """

    _terms = staticmethod(_ctc)

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` if labels or predictions have wrong shapes, or labels no path."""
        if y_pred.ndim != 3:
            expected = "(batch, timesteps, classes)"
            raise ValueError(errors.bad_shape("y_pred", y_pred.shape, expected))
        if y_true.ndim != 2 or len(y_true) != len(y_pred):
            expected = f"({len(y_pred)}, labels)"
            raise ValueError(errors.bad_shape("y_true", y_true.shape, expected))
        self.check_labels(y_true, y_pred.shape[-1])
        filled = y_true != BLANK
        if (filled[:, 1:] & ~filled[:, :-1]).any():
            raise ValueError(errors.bad_argument("y_true", "a label behind a 0", "0 at the ends"))
        repeats = (y_true[:, 1:] == y_true[:, :-1]) & filled[:, 1:]
        longest = int((filled.sum(axis=1) + repeats.sum(axis=1)).max(initial=0))
        if longest > y_pred.shape[1]:
            received = f"labels that need {longest} time steps, one more for each repeated label"
            expected = f"labels that fit into {y_pred.shape[1]} time steps"
            raise ValueError(errors.bad_argument("y_true", received, expected))

    def check_labels(self, y_true: Array, classes: int | None = None) -> None:
        """Raise ``ValueError`` if labels are no integers from 0 to ``classes`` - 1."""
        super().check_labels(y_true, classes)
        if y_true.dtype.kind == "f" and (y_true != np.floor(y_true)).any():
            expected = "integers, the numbers of the classes"
            raise ValueError(errors.bad_argument("y_true", "fractions", expected))
        if classes is None or y_true.size == 0:
            return
        if y_true.min() < 0 or y_true.max() >= classes:
            received = f"labels from {y_true.min():g} to {y_true.max():g}"
            expected = f"labels from 0 to {classes - 1}"
            raise ValueError(errors.bad_argument("y_true", received, expected))

    def check_sample_weight(self, y_true: Array, y_pred: Array, sample_weight: Array) -> None:
        """Raise ``ValueError`` if the weights are not those of whole samples."""
        check_weights(sample_weight, (len(y_true),))


ctc = function_of(CTC)
