"""Drawings of histories: loss and metrics as curves."""

from __future__ import annotations

import os
from typing import Any

from fastrnn.core import errors


def plot_history(history: object, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw loss and metrics over the epochs, each beside its validation.

    Args:
        history: what ``fit`` returned, or its ``history``, a dict of lists.
        path: file for the drawing, of an ending that matplotlib knows; ``None`` writes none.

    Returns:
        The figure of matplotlib.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: nothing has been recorded.
    """
    logs = getattr(history, "history", history)
    if not isinstance(logs, dict) or not logs:
        raise ValueError(errors.bad_argument("history", history, "what `fit` returned"))
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(errors.missing_extra("matplotlib", "plot", "plot_history")) from error
    names = list(dict.fromkeys(name.removeprefix("val_") for name in logs))
    figure = Figure(figsize=(7, 3 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), squeeze=False)[:, 0]
    for name, axes in zip(names, panels, strict=True):
        for key in (name, f"val_{name}"):
            if key in logs:
                axes.plot(range(1, len(logs[key]) + 1), logs[key], label=key)
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend()
    if path is not None:
        figure.savefig(path)
    return figure
