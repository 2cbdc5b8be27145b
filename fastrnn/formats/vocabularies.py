"""Vocabularies of layers in Keras's archives, where they, or their weights, stand by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastrnn.formats.containers.zip_archive import Archive
from fastrnn.formats.places import Place
from fastrnn.formats.stored import Stored
from fastrnn.layers.preprocessing.index_lookup import IndexLookup
from fastrnn.layers.preprocessing.text_vectorization import TextVectorization
from fastrnn.typing import Array


def load_vocabularies(
    places: Sequence[Place], stored: Mapping[str, Stored], archive: Archive
) -> None:
    """Set the vocabularies that an archive has, for the layers that were made without one.

    Raises:
        ValueError: one is no text, or does not fit its layer.
    """
    for place in places:
        layer = place.owner
        name = f"assets/{place.path}/vocabulary.txt"
        if not isinstance(layer, (IndexLookup, TextVectorization)) or name not in archive.names:
            continue
        if layer.lacks_vocabulary:
            weights = stored.get(f"{place.path}/vars/idf_weights")
            values = None if weights is None else weights.read(weights.shape)
            layer.load_vocabulary(archive.read(name).decode("utf-8"), values)


def weights_beside(place: Place) -> dict[str, Array]:
    """Return the weights of words that Keras looks for in its files, by their paths."""
    layer = place.owner
    if not isinstance(layer, (IndexLookup, TextVectorization)) or layer.idf_weights is None:
        return {}
    below = ["", "/_lookup_layer"] if isinstance(layer, TextVectorization) else [""]
    return {f"{place.path}{part}/vars/idf_weights": layer.idf_weights for part in below}
