"""Layers for images: they are names that say what they are not."""

import pytest
from live_keras import keras

import fastrnn
from fastrnn.layers import images


@pytest.mark.parametrize("name", sorted(images.NAMES))
def test_a_layer_for_images_says_so_when_it_is_made(name):
    made = getattr(fastrnn.layers, name)
    assert hasattr(keras.layers, name) and made.__name__ == name
    with pytest.raises(NotImplementedError, match=f"no layer {name}: .* not for images"):
        made(3)


def test_others_are_not_there():
    assert not hasattr(fastrnn.layers, "Nothing2D") and not hasattr(images, "Nothing2D")
