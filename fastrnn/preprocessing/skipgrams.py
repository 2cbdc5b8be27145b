"""Skip-grams: pairs of words that stand near each other, and pairs that do not."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from fastrnn.core.checks import to_int, to_positive_int
from fastrnn.typing import Array, ArrayLike

_EULER = 0.577  # Euler's constant, to the digits that Keras takes


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> Array:
    """Return with which probability ``skipgrams`` takes the word of each rank.

    By Zipf's law the word of rank r occurs with frequency f(r) = 1 / (r (log r + γ) + 1/2 - 1/(12
    r)); it is taken with the probability min(1, sqrt(sampling_factor / f)) of word2vec (Mikolov et
    al., 2013).

    Args:
        size: number of words.
        sampling_factor: the larger, the more frequent words are taken.

    Returns:
        Array of float64 (size,).

    >>> make_sampling_table(3).round(4)
    array([0.0032, 0.0032, 0.0055])
    """
    rank = np.arange(to_positive_int("size", size))
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + _EULER) + 0.5 - 1 / (12 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * inverse_frequency))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: ArrayLike | None = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[int] | list[list[int]]]:
    """Return pairs of words, and whether they stand in the same window.

    Args:
        sequence: numbers of words; 0 is no word and left out.
        vocabulary_size: one more than the largest number of a word.
        window_size: words of a pair are at most so far from each other.
        negative_samples: for each pair that stands in a window, so many with a random word.
        shuffle: whether the order is drawn.
        categorical: whether labels are ``[0, 1]`` and ``[1, 0]`` instead of 1 and 0.
        sampling_table: with which probability a word is taken, see ``make_sampling_table``.
        seed: seed of the order.

    Returns:
        The pairs, ``[word, other]`` each, and their labels.

    Raises:
        ValueError: an argument is no such number.

    >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
    ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    window = to_int("window_size", window_size)
    largest = to_positive_int("vocabulary_size", vocabulary_size) - 1
    table = None if sampling_table is None else np.asarray(sampling_table)
    couples = []
    for i, word in enumerate(sequence):
        if not word or (table is not None and table[word] < random.random()):
            continue
        around = range(max(0, i - window), min(len(sequence), i + window + 1))
        couples += [[word, sequence[j]] for j in around if j != i and sequence[j]]
    together, apart = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels = [together] * len(couples)
    if negative_samples > 0:
        count = int(len(labels) * negative_samples)
        words = [word for word, _ in couples]
        random.shuffle(words)
        couples += [[words[k % len(words)], random.randint(1, largest)] for k in range(count)]
        labels += [apart] * count
    if shuffle:
        seed = random.randint(0, 10**7) if seed is None else seed
        # One order for both.
        random.Random(seed).shuffle(couples)
        random.Random(seed).shuffle(labels)
    return couples, labels  # type: ignore[return-value]
