"""Words: texts cut into them, and words numbered by a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable

from fastrnn.core import errors
from fastrnn.core.checks import to_int

PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
# A function that cuts a text into words.
Analyzer = Callable[[str], Iterable[Hashable]]
HashFunction = Callable[[Hashable], int]


def text_to_word_sequence(
    input_text: str, filters: str = PUNCTUATION, lower: bool = True, split: str = " "
) -> list[str]:
    """Cut a text into words.

    Args:
        input_text: the text.
        filters: characters that end a word and are left out, besides ``split``.
        lower: whether to make it lower case first.
        split: what stands between words.

    Raises:
        TypeError: it is no string.

    >>> text_to_word_sequence("Gone, with the wind!")
    ['gone', 'with', 'the', 'wind']
    """
    if not isinstance(input_text, str):
        raise TypeError(errors.bad_argument("input_text", input_text, "a string"))
    text = input_text.lower() if lower else input_text
    text = text.translate({ord(character): split for character in filters})
    return [word for word in text.split(split) if word]


def hashing_trick(
    text: str,
    n: int,
    hash_function: HashFunction | str | None = None,
    filters: str = PUNCTUATION,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Return a number for each word of a text, from 1 to ``n - 1``, by a hash of it.

    Different words may have the same number.

    Args:
        text: the text.
        n: one more than the largest number.
        hash_function: ``"md5"``, a function from a word to an integer, or ``None`` for Python's
            ``hash``, which differs from run to run.
        filters, lower, split: see ``text_to_word_sequence``.
        analyzer: a function that cuts the text into words instead.

    Raises:
        ValueError: ``n`` is less than 2, or ``hash_function`` is unknown.

    >>> hashing_trick("the cat, the dog", 10, hash_function="md5")
    [6, 3, 6, 6]
    """
    if to_int("n", n) < 2:
        raise ValueError(errors.bad_argument("n", n, "an integer from 2 on"))
    known = {None: hash, "md5": _md5}
    function = hash_function if callable(hash_function) else known.get(hash_function)
    if function is None:
        expected = "'md5', a function, or None"
        raise ValueError(errors.bad_argument("hash_function", hash_function, expected))
    words: Iterable[Hashable]
    words = (
        text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    )
    return [function(word) % (n - 1) + 1 for word in words]


def _md5(word: Hashable) -> int:
    return int(hashlib.md5(str(word).encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(
    input_text: str,
    n: int,
    filters: str = PUNCTUATION,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Return a number for each word of a text, by Python's ``hash``: not vectors, as in Keras.

    Args are those of ``hashing_trick``.

    >>> len(one_hot("the cat, the dog", 50))
    4
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)
