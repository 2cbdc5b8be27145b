"""The IMDB movie reviews (Maas et al., 2011), in Keras's file format and with Keras's options.

The reviews are not part of this package: they are read from where Keras keeps them, or downloaded
there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
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
        _check_part(x, y, file)
        index = np.arange(len(x))
        order.shuffle(index)
        reviews = _number(x[index], start_char, index_from)
        parts.append(_keep_short(reviews, y[index], maxlen))
    if not num_words:  # as in Keras, this leaves out the largest number
        largest = (max(review, default=0) for reviews, _ in parts for review in reviews)
        num_words = max(largest, default=0)
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
        ValueError: the file is not as expected.
    """
    import json

    file = find_file(path, f"{_FOLDER}imdb_word_index.json", "md5", _WORDS_MD5)
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        index = error
    if not isinstance(index, dict):
        expected = "a JSON file of the number of each word"
        raise ValueError(errors.bad_argument("path", str(file), expected, f"It has {index}."))
    return index


def _check_part(x: Array, y: Array, file: Path) -> None:
    if x.ndim == 0 or x.shape[:1] != y.shape or not all(map(_is_review, x)):
        expected = "a file of reviews that are lists of integers, with one label each"
        raise ValueError(errors.bad_argument("path", str(file), expected))


def _is_review(review: object) -> bool:
    return isinstance(review, (list, tuple, np.ndarray)) and all(
        issubclass(kind, (int, np.integer)) for kind in set(map(type, review))
    )


def _number(reviews: Array, start_char: int | None, index_from: int | None) -> list[list[int]]:
    begin = [] if start_char is None else [start_char]
    offset = index_from or 0
    return [begin + [word + offset for word in review] for review in reviews]


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
