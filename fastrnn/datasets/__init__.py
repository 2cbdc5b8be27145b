"""Data sets: the sunspots come with the package, the others are Keras's files, downloaded once."""

from fastrnn.core.lazy import lazy_attributes as _lazy_attributes

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
    "sunspots",
]

# Loaded when they are first asked for.
__getattr__ = _lazy_attributes(__name__, {name: f"{__name__}.{name}" for name in __all__})
