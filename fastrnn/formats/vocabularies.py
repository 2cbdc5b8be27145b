"""Vocabularies of layers in Keras's archives, where they stand beside the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastrnn.formats.containers.zip_archive import Archive
from fastrnn.formats.places import Place
from fastrnn.formats.stored import Stored
from fastrnn.layers.preprocessing.index_lookup import IndexLookup
from fastrnn.layers.preprocessing.text_vectorization import TextVectorization


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
