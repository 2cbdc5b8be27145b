"""Old names in the logs: a metric that a script looks up under its other name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastrnn.core.user_warnings import deprecated

# Names of one value, the ones that earlier versions of Keras gave and those of today. The logs
# have the one that the script asked for when it compiled the model.
_PAIRS = (
    ("acc", "accuracy"),
    ("lr", "learning_rate"),
    ("mae", "mean_absolute_error"),
    ("mse", "mean_squared_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("cosine_proximity", "cosine_similarity"),
)


def name_in(logs: Collection[str], name: str) -> str:
    """Return the name under which the logs have a value: ``name``, or its other one with a warning.

    >>> name_in(["loss", "val_loss"], "val_loss")
    'val_loss'
    """
    if name in logs:
        return name
    for old, new in (*_PAIRS, *((new, old) for old, new in _PAIRS)):
        if name == old or name.endswith(f"_{old}"):
            other = name.removesuffix(old) + new
            if other in logs:
                deprecated(name, other)
                return other
    return name


class Curves(dict[str, list[Any]]):
    """The values of each epoch by name; a name that is missing is looked for under its other one.

    >>> Curves(accuracy=[0.5])["accuracy"]
    [0.5]
    """

    def __missing__(self, name: str) -> list[Any]:
        other = name_in(self, name)
        if other == name:
            raise KeyError(name)
        return self[other]
