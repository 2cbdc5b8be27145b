"""Data preparation, at Keras's older paths."""

from fastrnn.preprocessing import sequence
from fastrnn.utils.timeseries import timeseries_dataset_from_array

__all__ = ["sequence", "timeseries_dataset_from_array"]
