"""The IMDB movie reviews (Maas et al., 2011), in Keras's file format and with Keras's options.

The reviews are not part of this package: they are read from where Keras keeps them, or downloaded
there.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastrnn.datasets.files import Part, read_parts
from fastrnn.datasets.words import (
    as_objects,
    check_part,
    keep_short,
    largest_word,
    number_words,
    read_word_index,
    restrict,
    take_older_name,
)

_REVIEWS_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_WORDS_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    **kwargs: Any,
) -> tuple[Part, Part]:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    Args:
        path: a file, or a name in ``$KERAS_HOME/datasets`` or ``~/.keras/datasets``. It is used as
            it is; where there is none, it is downloaded and checked.
        num_words: words are numbered by how often they occur; only those below this number are
            kept. ``None`` keeps all.
        skip_top: the most frequent words, so many, are left out.
        maxlen: reviews of this length or more are left out.
        seed: seed of the order of the reviews.
        start_char: stands at the beginning of each review; ``None`` for nothing.
        oov_char: stands for each word left out; ``None`` drops them.
        index_from: added to all word numbers; ``None`` adds nothing.
        **kwargs: ``nb_words``, the name of ``num_words`` in Keras 1.

    Returns:
        x: object arrays of lists of integers; y: 0 negative, 1 positive.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file is not as expected, or no review is short enough.
    """
    num_words = take_older_name(kwargs, num_words)
    keys = ["x_train", "y_train", "x_test", "y_test"]
    arrays = read_parts(path, "imdb.npz", _REVIEWS_SHA256, keys)
    order = np.random.RandomState(seed)
    parts = []
    for x, y in (arrays[:2], arrays[2:]):
        check_part(x, y, path)
        index = np.arange(len(x))
        order.shuffle(index)
        reviews = number_words(x[index], start_char, index_from)
        parts.append(keep_short(reviews, y[index], maxlen))
    limit = num_words or largest_word(*(reviews for reviews, _ in parts))
    return tuple(  # type: ignore[return-value]
        (as_objects([restrict(r, skip_top, limit, oov_char) for r in reviews]), labels)
        for reviews, labels in parts
    )


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """Return the number of each word, from 1, before ``index_from`` is added.

    Args:
        path: a file, or a name in the folder where Keras keeps data sets.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file is not as expected.
    """
    return read_word_index(path, "imdb_word_index.json", _WORDS_MD5)
