"""Names in logs: those of earlier versions of Keras, and what they mean in the logs of today."""

from __future__ import annotations

from collections.abc import Collection

# Names that versions of Keras gave to one number.
_SAME = (
    (
        "acc",
        "accuracy",
        "binary_accuracy",
        "categorical_accuracy",
        "sparse_categorical_accuracy",
    ),
    ("mse", "mean_squared_error"),
    ("mae", "mean_absolute_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("kld", "kl_divergence", "kullback_leibler_divergence"),
    ("cosine_similarity", "cosine_proximity", "cosine"),
    ("lr", "learning_rate"),
)


def find_log(name: str, names: Collection[str]) -> str | None:
    """Return the one of ``names`` that ``name`` means, ``None`` where there is none.

    Args:
        name: as a script writes it; what stands before, ``val_`` or an output's name, stays.
        names: those of the logs.

    >>> find_log("val_acc", ["loss", "accuracy", "val_loss", "val_accuracy"])
    'val_accuracy'
    >>> find_log("mean_absolute_error", ["loss", "mae"])
    'mae'
    """
    if name in names:
        return name
    for group in _SAME:
        for alias in group:
            start = name.removesuffix(alias)
            if start == name or not (start == "" or start.endswith("_")):
                continue
            for other in group:
                if start + other in names:
                    return start + other
    return None
