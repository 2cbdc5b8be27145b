"""Data preparation, at Keras's older paths: ``text``, ``sequence``, and data sets from files."""

from fastrnn.core.lazy import lazy_attributes as _lazy_attributes
from fastrnn.utils.timeseries import timeseries_dataset_from_array

__all__ = ["sequence", "text", "timeseries_dataset_from_array"]

__getattr__ = _lazy_attributes(
    __name__,
    {name: f"{__name__}.{name}" for name in ("sequence", "text")},
)
