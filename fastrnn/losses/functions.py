"""Functions of labels and predictions, one for each loss that Keras has as a function too."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, cast

from fastrnn.core.class_table import to_snake_case
from fastrnn.losses.base import FUNCTIONS, TermsLoss
from fastrnn.typing import Array, ArrayLike

P = ParamSpec("P")


def function_of(
    cls: Callable[P, TermsLoss],
) -> Callable[Concatenate[ArrayLike, ArrayLike, P], Array]:
    """Return the function whose arguments are labels, predictions and the options of a loss."""
    loss = cast(type[TermsLoss], cls)
    common = inspect.signature(TermsLoss).parameters
    own = [p for n, p in inspect.signature(loss).parameters.items() if n not in common]
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    arrays = [inspect.Parameter(name, either) for name in ("y_true", "y_pred")]

    def function(y_true: ArrayLike, y_pred: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        options = inspect.Signature(own).bind(*args, **kwargs).arguments if args or kwargs else {}
        values: Array = loss(**options).call(y_true, y_pred)
        return values

    function.__name__ = function.__qualname__ = to_snake_case(loss.__name__)
    function.__module__ = loss.__module__
    function.__doc__ = f"Return the values of ``{loss.__name__}``, one for each sample (and step)."
    function.__signature__ = inspect.Signature([*arrays, *own])  # type: ignore[attr-defined]
    FUNCTIONS[function] = loss
    return function
