"""Sessions of TensorFlow 1, for scripts that use one to say how a GPU is shared.

Values are there at once, so that a session gives back what it is asked to run.
"""

from __future__ import annotations

from typing import Any


class Settings:
    """Takes any attribute: options of a device that is not there."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.__dict__.update(options)

    def __getattr__(self, name: str) -> Settings:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__.setdefault(name, Settings())


class Graph:
    """The one graph that there is: none."""

    def __enter__(self) -> Graph:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def as_default(self) -> Graph:
        """Return the graph, for a ``with`` block."""
        return self

    def finalize(self) -> None:
        """Do nothing."""


class Session(Graph):
    """A session whose values are computed before it runs."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None) -> None:
        self.graph = Graph()

    def run(self, fetches: Any, feed_dict: Any = None) -> Any:
        """Return ``fetches``, which are values.

        Raises:
            NotImplementedError: there is a ``feed_dict``, which needs placeholders.
        """
        if feed_dict:
            raise NotImplementedError(
                "fastrnn.compat.tensorflow runs no graphs of TensorFlow 1, so that a session has "
                "nothing to feed: call the model or the function on arrays."
            )
        return fetches

    def close(self) -> None:
        """Do nothing."""


def get_default_graph() -> Graph:
    """Return a graph that does nothing."""
    return Graph()
