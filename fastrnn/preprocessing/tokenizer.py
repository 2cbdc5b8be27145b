"""Tokenizer: texts as lists of numbers, by how often each word occurs."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.core.user_warnings import deprecated
from fastrnn.preprocessing.words import PUNCTUATION, Analyzer, text_to_word_sequence
from fastrnn.typing import Array, Config

# A text, or the words that it has been cut into.
Text = str | list[str] | tuple[str, ...]


class Tokenizer:
    """Numbers words by how often they occur, from 1 on; 0 stays free for padding.

    Args:
        num_words: words are kept whose number is below this; ``None`` keeps all. All words have a
            number all the same.
        filters: characters that end a word and are left out.
        lower: whether to make texts lower case.
        split: what stands between words.
        char_level: whether each character is a word.
        oov_token: stands, as word 1, for words that are not kept; ``None`` drops them.
        analyzer: a function that cuts a text into words instead.
        **kwargs: ``document_count``, how many texts have been seen before; ``nb_words``, the name
            of ``num_words`` in Keras 1.

    Attributes:
        word_counts: how often each word occurs, in the order in which they were first seen.
        word_docs, index_docs: in how many texts each word occurs, by word and by number.
        word_index, index_word: the number of each word, and the word of each number.
        document_count: number of texts seen.

    >>> tokenizer = Tokenizer(oov_token="?")
    >>> tokenizer.fit_on_texts(["the cat and the dog", "the bird"])
    >>> tokenizer.texts_to_sequences(["The cat, the fish"])
    [[2, 3, 2, 1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = PUNCTUATION,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Analyzer | None = None,
        **kwargs: Any,
    ) -> None:
        if "nb_words" in kwargs:
            deprecated("Tokenizer(nb_words=…)", "Tokenizer(num_words=…)")
            num_words = kwargs.pop("nb_words")
        self.document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(errors.unknown_arguments("Tokenizer", kwargs))
        self.num_words, self.filters, self.split, self.lower = num_words, filters, split, lower
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: OrderedDict[Any, int] = OrderedDict()
        self.word_docs: defaultdict[Any, int] = defaultdict(int)
        self.index_docs: defaultdict[int, int] = defaultdict(int)
        self.word_index: dict[Any, int] = {}
        self.index_word: dict[int, Any] = {}

    def fit_on_texts(self, texts: Iterable[Text]) -> None:
        """Count the words of texts, on top of those counted before, and number them anew.

        Args:
            texts: strings, or lists of words.
        """
        for text in texts:
            self.document_count += 1
            words = list(self._words(text))
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        by_count = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        listed = by_count if self.oov_token is None else [self.oov_token, *by_count]
        self.word_index = {word: k for k, word in enumerate(listed, 1)}
        self.index_word = {k: word for word, k in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count in how many sequences of numbers each number occurs, for ``tfidf``."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] += 1

    def _words(self, text: Text) -> Iterable[Any]:
        if isinstance(text, (list, tuple)):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def texts_to_sequences(self, texts: Iterable[Text]) -> list[list[int]]:
        """Return the numbers of the words of each text; words that are not kept are left out."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Text]) -> Iterator[list[int]]:
        """Yield the numbers of the words of each text."""
        limit, unknown = self._limit, self.word_index.get(self.oov_token)
        for text in texts:
            numbers = (self.word_index.get(word) for word in self._words(text))
            kept = (unknown if k is None or k >= limit else k for k in numbers)
            yield [k for k in kept if k is not None]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return the words of sequences of numbers, with blanks between them.

        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat and the dog"])
        >>> tokenizer.sequences_to_texts([[1, 4]])
        ['the dog']
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Yield the words of each sequence of numbers."""
        limit, known = self._limit, self.word_index.get(self.oov_token)
        unknown = None if known is None else self.index_word[known]
        for sequence in sequences:
            words = (unknown if k >= limit else self.index_word.get(k, unknown) for k in sequence)
            yield " ".join(word for word in words if word is not None)

    @property
    def _limit(self) -> float:
        return self.num_words or np.inf

    def texts_to_matrix(self, texts: Iterable[Text], mode: str = "binary") -> Array:
        """Return one row for each text, with a number for each word.

        Args:
            texts: strings, or lists of words.
            mode: see ``sequences_to_matrix``.

        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat and the dog"])
        >>> tokenizer.texts_to_matrix(["the cat, the bird"], mode="count")
        array([[0., 2., 1., 0., 0.]])
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> Array:
        """Return one row for each sequence of numbers, with a number for each word.

        Args:
            sequences: lists of numbers of words; numbers from ``num_words`` on do not count.
            mode: ``"binary"``: 1 where a word occurs; ``"count"``: how often; ``"freq"``: that,
                divided by the length of the sequence; ``"tfidf"``: (1 + log(count)) log(1 + texts /
                (1 + texts with the word)).

        Returns:
            Array of float64 (sequences, num_words), or (sequences, words + 1) without
            ``num_words``.

        Raises:
            ValueError: ``mode`` is unknown, or nothing has been counted that it needs.
        """
        to_choice("mode", mode, ("binary", "count", "freq", "tfidf"))
        if not (self.num_words or self.word_index):
            expected = "a number of words, or texts that were counted by `fit_on_texts`"
            raise ValueError(errors.bad_argument("num_words", self.num_words, expected))
        if mode == "tfidf" and not self.document_count:
            expected = "another mode, or texts that were counted by `fit_on_texts`"
            raise ValueError(errors.bad_argument("mode", mode, expected))
        size = self.num_words or len(self.word_index) + 1
        result = np.zeros((len(sequences), size))
        for row, sequence in zip(result, sequences, strict=True):
            for number, count in Counter(sequence).items():
                if number < size:
                    row[number] = self._entry(number, count, len(sequence), mode)
        return result

    def _entry(self, number: int, count: int, length: int, mode: str) -> float:
        if mode == "tfidf":
            texts = 1 + self.index_docs.get(number, 0)
            return float((1 + np.log(count)) * np.log(1 + self.document_count / texts))
        return {"binary": 1, "count": count, "freq": count / length}[mode]

    def get_config(self) -> Config:
        """Return the arguments and what was counted; dicts as JSON, as Keras writes them."""
        counted = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in counted},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return a text that ``tokenizer_from_json`` reads, here and in Keras.

        Args:
            **kwargs: for ``json.dumps``.
        """
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Return the tokenizer that ``Tokenizer.to_json`` wrote, here or in Keras.

    Raises:
        ValueError: the text is none of its kind.

    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["the cat and the dog"])
    >>> tokenizer_from_json(tokenizer.to_json()).word_index["the"]
    1
    """
    try:
        config = dict(json.loads(json_string)["config"])
        counts, docs, words = (
            json.loads(config.pop(name)) for name in ("word_counts", "word_docs", "word_index")
        )
        index_docs, index_word = (
            {int(k): value for k, value in json.loads(config.pop(name)).items()}
            for name in ("index_docs", "index_word")
        )
        tokenizer = Tokenizer(**config)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        expected = "the text that Tokenizer.to_json returns"
        received = f"{str(json_string)[:60]!r}…"
        message = errors.bad_argument("json_string", received, expected, f"It fails at {error!r}.")
        raise ValueError(message) from error
    tokenizer.word_counts = OrderedDict(counts)
    tokenizer.word_docs = defaultdict(int, docs)
    tokenizer.index_docs = defaultdict(int, index_docs)
    tokenizer.word_index, tokenizer.index_word = words, index_word
    return tokenizer
