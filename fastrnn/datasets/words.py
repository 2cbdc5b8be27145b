"""Texts as numbers of words: those of the IMDB reviews and the Reuters newswires."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.user_warnings import deprecated
from fastrnn.datasets import files
from fastrnn.datasets.files import find_file

Array = npt.NDArray[Any]


def read_word_index(path: str | os.PathLike[str], name: str, file_hash: str) -> dict[str, int]:
    """Return the number of each word, from a JSON file that is downloaded where it is not there.

    Raises:
        OSError, ValueError: see ``find_file``, or the file is not as expected.
    """
    file = find_file(path, f"{files.SITE}{name}", file_hash)
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        index = error
    if not isinstance(index, dict):
        expected = "a JSON file of the number of each word"
        raise ValueError(errors.bad_argument("path", str(file), expected, f"It has {index}."))
    return index


def check_part(x: Array, y: Array, path: str | os.PathLike[str]) -> None:
    """Raise ``ValueError`` if these are no texts with a label each."""
    if x.ndim == 0 or x.shape[:1] != y.shape or not all(map(_is_review, x)):
        expected = "a file of reviews that are lists of integers, with one label each"
        raise ValueError(errors.bad_argument("path", os.fspath(path), expected))


def _is_review(review: object) -> bool:
    return isinstance(review, (list, tuple, np.ndarray)) and all(
        issubclass(kind, (int, np.integer)) for kind in set(map(type, review))
    )


def take_older_name(kwargs: dict[str, Any], num_words: int | None) -> int | None:
    """Return ``num_words``, or what was given under its name in Keras 1.

    Raises:
        ValueError: other arguments are there.
    """
    if "nb_words" in kwargs:
        deprecated("load_data(nb_words=…)", "load_data(num_words=…)")
        num_words = kwargs.pop("nb_words")
    if kwargs:
        raise ValueError(errors.unknown_arguments("load_data", kwargs))
    return num_words


def largest_word(*parts: list[list[int]]) -> int:
    """Return the largest number of a word; as in Keras, it is left out where none is given."""
    return max((max(text, default=0) for texts in parts for text in texts), default=0)


def number_words(reviews: Array, start_char: int | None, index_from: int | None) -> list[list[int]]:
    """Return texts with ``index_from`` added to their numbers, behind a first one."""
    begin = [] if start_char is None else [start_char]
    offset = index_from or 0
    return [begin + [word + offset for word in review] for review in reviews]


def keep_short(
    reviews: list[list[int]], labels: Array, maxlen: int | None
) -> tuple[list[list[int]], Array]:
    """Return the texts that are shorter than ``maxlen``, and their labels.

    Raises:
        ValueError: none is.
    """
    if not maxlen:
        return reviews, labels
    kept = [k for k, review in enumerate(reviews) if len(review) < maxlen]
    if not kept:
        raise ValueError(
            errors.bad_argument("maxlen", maxlen, "a larger number: no review is kept")
        )
    return [reviews[k] for k in kept], labels[kept]


def restrict(review: list[int], low: int, high: int, oov_char: int | None) -> list[int]:
    """Return the numbers from ``low`` to below ``high``, with ``oov_char`` instead of others."""
    if oov_char is None:
        return [word for word in review if low <= word < high]
    return [word if low <= word < high else oov_char for word in review]


def as_objects(reviews: list[list[int]]) -> Array:
    """Return an array of lists."""
    array = np.empty(len(reviews), dtype=object)
    array[:] = reviews
    return array
