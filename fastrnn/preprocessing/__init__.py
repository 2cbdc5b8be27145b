"""Data preparation, at Keras's older paths: ``text``, ``sequence``, and data sets from files."""

from fastrnn.core.lazy import lazy_attributes as _lazy_attributes

__all__ = [
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

__getattr__ = _lazy_attributes(
    __name__,
    {
        "sequence": f"{__name__}.sequence",
        "text": f"{__name__}.text",
        "text_dataset_from_directory": "fastrnn.utils.text_dataset:text_dataset_from_directory",
        "timeseries_dataset_from_array": "fastrnn.utils.timeseries:timeseries_dataset_from_array",
    },
)
