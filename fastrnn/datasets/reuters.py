"""The Reuters newswires with 46 topics, in Keras's file format and with Keras's options.

They are not part of this package: they are read from where Keras keeps them, or downloaded there.
"""

from __future__ import annotations

import os
from typing import Any

from fastrnn.datasets.files import Part, read_parts, split_shuffled
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

_NEWS_SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"
_TOPICS = """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship
    cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin
    strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem
    dlr gas silver wpi hog lead
"""


def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
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
        maxlen: newswires of this length or more are left out.
        test_split: share of the newswires in the second part.
        seed: seed of the order of the newswires.
        start_char: stands at the beginning of each newswire; ``None`` for nothing.
        oov_char: stands for each word left out; ``None`` drops them.
        index_from: added to all word numbers; ``None`` adds nothing.
        **kwargs: ``nb_words``, the name of ``num_words`` in Keras 1.

    Returns:
        x: object arrays of lists of integers; y: topics from 0 to 45.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file is not as expected, or no newswire is short enough.
    """
    num_words = take_older_name(kwargs, num_words)
    x, y = read_parts(path, "reuters.npz", _NEWS_SHA256, ["x", "y"])
    check_part(x, y, path)
    (x, y), _ = split_shuffled(x, y, 0, seed)
    news, y = keep_short(number_words(x, start_char, index_from), y, maxlen)
    limit = num_words or largest_word(news)
    x = as_objects([restrict(text, skip_top, limit, oov_char) for text in news])
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """Return the number of each word, from 1, before ``index_from`` is added.

    Args:
        path: a file, or a name in the folder where Keras keeps data sets.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file is not as expected.
    """
    return read_word_index(path, "reuters_word_index.json", _WORDS_MD5)


def get_label_names() -> tuple[str, ...]:
    """Return the names of the topics.

    >>> get_label_names()[:4]
    ('cocoa', 'grain', 'veg-oil', 'earn')
    """
    return tuple(_TOPICS.split())
