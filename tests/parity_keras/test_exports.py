"""Every name that Keras exports is there, or stands here with the reason why not."""

import pytest
from live_keras import keras

import fastrnn

WHOLE = [
    "losses", "metrics", "initializers", "constraints", "regularizers", "activations", "models",
]  # fmt: skip
# Modules of which something is left out, for a reason each.
LEFT_OUT = {
    "optimizers": {
        "one optimizer for a whole model": ["MultiOptimizer", "OptimizerMap"],
    },
    "callbacks": {"services outside": ["OrbaxCheckpoint", "RemoteMonitor"]},
    "saving": {"models have methods for it": ["KerasFileEditor", "load_weights", "save_weights"]},
}
LAYERS_LEFT_OUT = {
    "images and volumes": [
        "AugMix", "AutoContrast", "CenterCrop", "ContrastLimitedAdaptiveHistogramEqualization",
        "CutMix", "Equalization", "MaxNumBoundingBoxes", "MixUp", "RandAugment",
        "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast",
        "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip",
        "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
        "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation",
        "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Resizing",
        "Solarization",
    ],
    "they take text, categories or sound, before a model": [
        "HashedCrossing", "MelSpectrogram", "STFTSpectrogram", "Pipeline",
    ],
    "code of other packages": ["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"],
    "parts of transformers": ["GroupQueryAttention", "ReversibleEmbedding"],
    "convolution over images inside a recurrent layer": ["ConvLSTM1D"],
}  # fmt: skip


def exported(module):
    return {name for name in dir(getattr(keras, module)) if not name.startswith("_")}


@pytest.mark.parametrize("module", WHOLE)
def test_nothing_is_missing(module):
    ours = getattr(fastrnn, module)
    assert [name for name in sorted(exported(module)) if not hasattr(ours, name)] == []


@pytest.mark.parametrize("module", LEFT_OUT)
def test_what_is_left_out_is_named(module):
    missing = [name for name in exported(module) if not hasattr(getattr(fastrnn, module), name)]
    named = [name for names in LEFT_OUT[module].values() for name in names]
    assert sorted(named) == sorted(missing)


def test_layers_that_are_left_out_are_named():
    flat = {name for name in exported("layers") if name[-2:] not in ("2D", "3D")}
    flat -= {name for name in flat if name.endswith(("2DTranspose", "3DTranspose"))}
    missing = {name for name in flat if not hasattr(fastrnn.layers, name)}
    named = [name for names in LAYERS_LEFT_OUT.values() for name in names]
    assert sorted(named) == sorted(missing)
    assert not set(dir(keras.layers)).isdisjoint(named)


def test_the_names_of_a_class_are_one_class():
    for name in ("AvgPool1D", "MaxPool1D", "GlobalAvgPool1D", "GlobalMaxPool1D", "Convolution1D"):
        ours, theirs = (getattr(k.layers, name) for k in (fastrnn, keras))
        assert ours.__name__ == theirs.__name__
