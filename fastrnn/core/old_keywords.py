"""Old keywords: the names that Keras 1 and 2 had for arguments of functions and methods.

Those of layers and optimizers, which are options, are in ``old_arguments``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any, ParamSpec, TypeVar, cast

from fastrnn.core import errors
from fastrnn.core.user_warnings import deprecated

P = ParamSpec("P")
T = TypeVar("T")

# Today's names by old ones, for the functions that have today's and not the old one.
RENAMED = {
    "epsilon": "min_delta",
    "nb_classes": "num_classes",
    "nb_epoch": "epochs",
    "nb_epochs": "epochs",
    "input": "inputs",
    "output": "outputs",
    "X": "x",
    "Y": "y",
    "y": "x",
}
# What changes nothing here: what does it today, and which values it may have; none: any.
WITHOUT_EFFECT: dict[str, tuple[str, tuple[object, ...]]] = {
    "class_mode": ("compile(loss=…, metrics=…)", ()),
    "distribute": ("compile(…)", (None,)),
    "experimental_run_tf_function": ("compile(…)", ()),
    "embeddings_data": ("TensorBoard(…)", (None,)),
    "embeddings_layer_names": ("TensorBoard(…)", (None,)),
    "max_q_size": ("PyDataset(max_queue_size=…)", ()),
    "max_queue_size": ("PyDataset(max_queue_size=…)", ()),
    "nb_worker": ("PyDataset(workers=…)", ()),
    "options": ("compile(…)", (None,)),
    "pickle_safe": ("PyDataset(use_multiprocessing=…)", ()),
    "run_metadata": ("compile(…)", (None,)),
    "sample_weight_mode": ("fit(sample_weight=…)", (None, "temporal", "samplewise")),
    "show_accuracy": ('compile(metrics=["accuracy"])', ()),
    "target_tensors": ("compile(…)", (None,)),
    "theano_mode": ("compile(…)", (None,)),
    "use_multiprocessing": ("PyDataset(use_multiprocessing=…)", ()),
    "workers": ("PyDataset(workers=…)", ()),
    "write_grads": ("TensorBoard(…)", ()),
}


def takes_old_keywords(method: Callable[P, T]) -> Callable[P, T]:
    """Let a function take arguments under their old names too, each with a warning."""
    known = inspect.signature(method).parameters

    @functools.wraps(method)
    def taking(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.keys() <= known.keys():
            kwargs = _today(_title(method), known, kwargs)
        return cast(Callable[..., Any], method)(*args, **kwargs)

    return cast(Callable[P, T], taking)


def _title(method: Callable[..., Any]) -> str:
    """Return how a script calls it: a constructor by the name of the class."""
    cls = method.__qualname__.split(".")[0] if method.__name__ == "__init__" else ""
    return {"": method.__name__, "Functional": "Model"}.get(cls, cls)


def _today(method: str, known: Collection[str], given: dict[str, Any]) -> dict[str, Any]:
    """Return arguments under today's names; those that are not known stay, to be refused."""
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        new = RENAMED.get(name)
        if name in known or (new not in known and name not in WITHOUT_EFFECT):
            arguments[name] = value
        elif new is None:
            _check_without_effect(method, name, value)
        elif new in given:
            raise TypeError(f"{method}() got {name!r} and {new!r}, which are one argument")
        else:
            deprecated(f"{method}({name}=…)", f"{method}({new}=…)")
            arguments[new] = value
    return arguments


def _check_without_effect(method: str, name: str, value: object) -> None:
    today, values = WITHOUT_EFFECT[name]
    if values and value not in values:
        expected = " or ".join(map(repr, values)) + "; it is an argument of an earlier Keras"
        raise ValueError(errors.bad_argument(name, value, expected, "Leave it out."))
    deprecated(f"{method}({name}=…)", today)
