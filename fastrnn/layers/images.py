"""Layers for images: names alone, so that a script may import them and not use them."""

from __future__ import annotations

from typing import Any, NoReturn

from fastrnn.core import missing_names

_KINDS = (
    *("AveragePooling", "AvgPool", "Conv", "Convolution", "Cropping"),
    *("GlobalAveragePooling", "GlobalAvgPool", "GlobalMaxPool", "GlobalMaxPooling", "MaxPool"),
    *("MaxPooling", "SpatialDropout", "UpSampling", "ZeroPadding"),
)
NAMES = frozenset(
    [
        *(f"{kind}{axes}" for kind in _KINDS for axes in ("2D", "3D")),
        *("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "Conv3DTranspose"),
        *("ConvLSTM2D", "ConvLSTM3D"),
    ]
)


class ImageLayer:
    """A layer that fastrnn does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.refuse()

    @classmethod
    def refuse(cls) -> NoReturn:
        """Say that the layer is not there.

        Raises:
            NotImplementedError: always.
        """
        name = cls.__name__
        missing_names.note(f"keras.layers.{name}")
        advice = ""
        if name.startswith("ConvLSTM"):
            advice = " Use LSTM behind TimeDistributed(Conv1D(…)) instead."
        raise NotImplementedError(
            f"There is no layer {name}: fastrnn is for sequences, not for images.{advice}"
        )


def __getattr__(name: str) -> type[ImageLayer]:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return type(name, (ImageLayer,), {"__module__": __name__, "__doc__": ImageLayer.__doc__})
