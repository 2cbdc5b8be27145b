"""Bases of estimators, from scikit-learn."""

from __future__ import annotations

from typing import Any

from fastrnn.core import errors


def base_class(name: str) -> Any:
    """Return a class of ``sklearn.base``.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        import sklearn.base as bases
    except ImportError as error:
        purpose = "An estimator of scikit-learn"
        raise ImportError(errors.missing_extra("scikit-learn", "sklearn", purpose)) from error
    return getattr(bases, name)
