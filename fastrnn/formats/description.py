"""Descriptions: what is checked of a model's configuration before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable

from fastrnn.core.deserialization import check_objects
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.serialization import is_description
from fastrnn.formats import limits
from fastrnn.formats.keras.graph_masks import without_masks
from fastrnn.typing import Config


def check_description(config: object) -> None:
    """Check the names in a description, and how many objects and calls it makes.

    Raises:
        RefusedConfig: ``bad_name``, ``too_many_objects`` or ``too_many_calls``.
    """
    _check_names(config)
    check_objects(config)
    _CallCount().check(config)


def _check_names(config: object) -> None:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        if not isinstance(value, dict):
            continue
        waiting += value.values()
        name = value.get("name", "")
        if isinstance(name, str) and not name.isprintable():
            raise RefusedConfig("bad_name", f"the name {name[:60]!r}")


class _CallCount:
    """The calls of layers that are followed while a model is made.

    Models in models that are called several times have far more calls than descriptions.
    """

    def __init__(self) -> None:
        self._steps = 0

    def check(self, config: object) -> None:
        """Raise ``RefusedConfig`` if a description makes too many calls."""
        made, _ = self._calls(config)
        self._require(made + self._steps)

    def _require(self, calls: int) -> None:
        if calls > limits.MODEL_CALLS:
            message = f"The model has more than {limits.MODEL_CALLS} calls of layers."
            raise RefusedConfig("too_many_calls", message)

    def _count_step(self) -> None:
        self._steps += 1
        self._require(self._steps)

    def _calls(self, data: object) -> tuple[int, int]:
        """Return the calls followed while what is described is made, and in one call of it."""
        if isinstance(data, (list, tuple)):
            return _sums(map(self._calls, data))
        if not isinstance(data, dict):
            return 0, 0
        config = data.get("config") if is_description(data) else None
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            return _sums(map(self._calls, data.values()))
        others = [value for key, value in config.items() if key != "layers"]
        return _sums([*map(self._calls, others), *map(self._of_layer, self._layers(config))])

    def _layers(self, config: Config) -> list[object]:
        """Return the layers of a model, a functional one's without what computes masks."""
        layers: list[object] = config["layers"]
        if all(isinstance(data, dict) and "inbound_nodes" in data for data in layers):
            try:
                return list(without_masks(config, self._count_step))
            except RefusedConfig as error:
                if error.reason == "too_many_calls":
                    raise
            except (LookupError, TypeError, AttributeError, ValueError):
                pass  # no graph that a model can be made of, which making it says
        return layers

    def _of_layer(self, data: object) -> tuple[int, int]:
        """Return what a layer of a model adds to the calls of the model."""
        made, followed = self._calls(data)
        if isinstance(data, dict) and isinstance(data.get("inbound_nodes"), list):
            followed = len(data["inbound_nodes"]) * (1 + followed)
            return made + followed, followed
        # A chain asks each layer for the shape of its outputs, and calls it.
        return made + 2 * followed, 1 + followed


def _sums(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    made = followed = 0
    for own, inner in pairs:
        made, followed = made + own, followed + inner
    return made, followed
