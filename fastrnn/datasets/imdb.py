"""The IMDB movie reviews (Maas et al., 2011), in Keras's file format and with Keras's options.

The reviews are not part of this package: they are read from where Keras keeps them, or downloaded
there.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.datasets.files import find_file, read_npz

Array = npt.NDArray[Any]
Part = tuple[Array, Array]

_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
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
    index_from: int = 3,
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
        index_from: added to all word numbers.
        **kwargs: none.

    Returns:
        x: object arrays of lists of integers; y: 0 negative, 1 positive.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file is not as expected, or no review is short enough.
    """
    if kwargs:
        raise ValueError(errors.unknown_arguments("load_data", kwargs))
    file = find_file(path, f"{_FOLDER}imdb.npz", "sha256", _REVIEWS_SHA256)
    arrays = read_npz(file)
    missing = {"x_train", "y_train", "x_test", "y_test"} - arrays.keys()
    if missing:
        expected = f"a file with the arrays {sorted(missing)}"
        raise ValueError(errors.bad_argument("path", str(file), expected))
    order = np.random.RandomState(seed)
    parts = []
    for name in ("train", "test"):
        x, y = arrays[f"x_{name}"], arrays[f"y_{name}"]
        index = np.arange(len(x))
        order.shuffle(index)
        reviews = _number(x[index], start_char, index_from)
        parts.append(_keep_short(reviews, y[index], maxlen))
    if num_words is None or num_words == 0:
        num_words = max(max(review) for reviews, _ in parts for review in reviews)
    return tuple(  # type: ignore[return-value]
        (_as_objects([_restrict(r, skip_top, num_words, oov_char) for r in reviews]), labels)
        for reviews, labels in parts
    )


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """Return the number of each word, from 1, before ``index_from`` is added.

    Args:
        path: a file, or a name in the folder where Keras keeps data sets.

    Raises:
        OSError: there is no file, and no connection to download it.
    """
    import json

    file = find_file(path, f"{_FOLDER}imdb_word_index.json", "md5", _WORDS_MD5)
    with open(file, encoding="utf-8") as stream:
        index: dict[str, int] = json.load(stream)
    return index


def _number(reviews: Array, start_char: int | None, index_from: int) -> list[list[int]]:
    begin = [] if start_char is None else [start_char]
    return [begin + [word + index_from for word in review] for review in reviews]


def _keep_short(
    reviews: list[list[int]], labels: Array, maxlen: int | None
) -> tuple[list[list[int]], Array]:
    if not maxlen:
        return reviews, labels
    kept = [k for k, review in enumerate(reviews) if len(review) < maxlen]
    if not kept:
        raise ValueError(
            errors.bad_argument("maxlen", maxlen, "a larger number: no review is kept")
        )
    return [reviews[k] for k in kept], labels[kept]


def _restrict(review: list[int], low: int, high: int, oov_char: int | None) -> list[int]:
    if oov_char is None:
        return [word for word in review if low <= word < high]
    return [word if low <= word < high else oov_char for word in review]


def _as_objects(reviews: list[list[int]]) -> Array:
    array = np.empty(len(reviews), dtype=object)
    array[:] = reviews
    return array
