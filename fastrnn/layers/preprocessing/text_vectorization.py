"""TextVectorization: texts as numbers of their words, or as vectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.core.deserialization import deserialize_keras_object
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.core.strings import to_strings
from fastrnn.layers.base.layer import registry
from fastrnn.layers.preprocessing.base import MODES, PreprocessingLayer, batches_of
from fastrnn.layers.preprocessing.index_lookup import without_files
from fastrnn.layers.preprocessing.string_lookup import StringLookup
from fastrnn.typing import Array, ArrayLike, Config, Shape

_PUNCTUATION = str.maketrans("", "", "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'")
# As TensorFlow does, whatever the language.
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_WORD = re.compile(r"[^ \t\n\r\f\v]+")
_STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLIT = ("whitespace", "character")

TextFunction = Callable[[Array], Any]


@registry.register()
class TextVectorization(PreprocessingLayer):
    """Texts as the numbers of their words, or as vectors, by a vocabulary.

    Number 0 is padding, 1 stands for unknown words.

    Args:
        max_tokens: most numbers, those two among them; ``None`` for any.
        standardize: what happens to a text first: ``"lower_and_strip_punctuation"``, ``"lower"``,
            ``"strip_punctuation"``, ``None``, or a function of an array of strings.
        split: into ``"whitespace"``-separated words or ``"character"`` s; ``None``: a text is a
            word; or a function from an array of strings to their words, lists in a list.
        ngrams: up to how many words that follow each other make one, or a tuple of such numbers.
        output_mode: see ``StringLookup``.
        output_sequence_length: numbers of a text, padded or cut off; ``None`` for as many as the
            longest has.
        pad_to_max_tokens: whether vectors have ``max_tokens`` entries, however many are known.
        vocabulary: the words in the order of their numbers, or a file of them.
        idf_weights: weight of each word, with ``output_mode="tf_idf"``.
        sparse, ragged: must be False.
        encoding: of bytes among the inputs.
        **kwargs: ``dtype``, ``trainable``.

    Raises:
        ValueError: an argument is unknown, or does not go with another.

    >>> layer = TextVectorization()
    >>> layer.adapt(["the cat and the dog"])
    >>> layer(["The dog!", "a cat, the dog"]).numpy()
    array([[2, 3, 0, 0],
           [1, 4, 2, 3]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | TextFunction | None = "lower_and_strip_punctuation",
        split: str | TextFunction | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: str | Sequence[str] | Array | None = None,
        idf_weights: ArrayLike | None = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        size = kwargs.pop("vocabulary_size", None)
        kwargs.pop("has_input_vocabulary", None)
        super().__init__(output_mode, (*MODES, "tf_idf"), sparse=sparse, name=name, **kwargs)
        if ragged:
            raise ValueError(errors.bad_argument("ragged", ragged, "False; outputs are dense"))
        _check_choice("standardize", standardize, _STANDARDIZE)
        _check_choice("split", split, _SPLIT)
        self.standardize, self.split, self.ngrams, self.encoding = (
            standardize,
            split,
            ngrams,
            encoding,
        )
        self._widths = _widths_of(ngrams)
        if output_sequence_length is not None and self.output_mode != "int":
            expected = "None, unless output_mode is 'int'"
            raise ValueError(
                errors.bad_argument("output_sequence_length", output_sequence_length, expected)
            )
        self.output_sequence_length = (
            None
            if output_sequence_length is None
            else to_positive_int("output_sequence_length", output_sequence_length)
        )
        self._lookup = StringLookup(
            max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=self.output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            encoding=encoding,
            vocabulary_size=size,
            name=f"{self.name}_lookup",
            dtype=self.dtype,
        )

    # ---- the vocabulary ----

    def adapt(self, data: object, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary; what was learnt before is forgotten.

        Args:
            data: texts in an array or list; or a data set of batches of them.
            batch_size: accepted.
            steps: batches of the data set to read, all unless given.

        Raises:
            ValueError: a vocabulary was given to the layer.
        """
        self._lookup.reset_state()
        for batch in batches_of(data, steps):
            texts = to_strings("data", batch, self.encoding)
            words = self._words_of(texts)
            # Without a split, the words of a batch are one document, as in Keras; each of a list.
            if self.split is None and texts.ndim == 1:
                words = [[w] for w in texts.tolist()] if batch is data else [texts.tolist()]
            self._lookup.update_state(words)
        self._lookup.finalize_state()

    def set_vocabulary(
        self, vocabulary: str | Sequence[str] | Array, idf_weights: ArrayLike | None = None
    ) -> None:
        """Set the words, see ``StringLookup.set_vocabulary``."""
        self._lookup.set_vocabulary(vocabulary, idf_weights)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Return the words in the order of their numbers, see ``StringLookup``."""
        return self._lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Return how many numbers there are, those of padding and of unknown words among them."""
        return self._lookup.vocabulary_size()

    @property
    def lacks_vocabulary(self) -> bool:
        """Whether the words are still to come, from another part of a file."""
        return self._lookup.lacks_vocabulary

    @property
    def idf_weights(self) -> Array | None:
        """The weight of each number, with ``output_mode="tf_idf"``."""
        return self._lookup.idf_weights

    def load_vocabulary(self, text: str, idf_weights: Array | None) -> None:
        """Take the vocabulary that Keras's files keep beside the configuration."""
        self._lookup.load_vocabulary(text, idf_weights)

    # ---- calls ----

    @property
    def output_dtype(self) -> str:
        """Type of the outputs."""
        return self._lookup.output_dtype

    def convert_inputs(self, inputs: object) -> Array:
        """Return the inputs as strings."""
        texts = to_strings("inputs", inputs, self.encoding)
        if self.split is not None and texts.ndim > 1 and texts.shape[-1] != 1:
            expected = "(batch,) or (batch, 1): one text in a row"
            raise ValueError(errors.bad_shape("inputs", texts.shape, expected))
        return texts

    def _words_of(self, texts: Array) -> list[list[str]]:
        """Return the words of each text, or of each row without a split."""
        if callable(self.standardize):
            texts = to_strings("standardize", self.standardize(texts.astype(str)), self.encoding)
        rows: Any = texts.ravel().tolist()
        if self.standardize in ("lower", "lower_and_strip_punctuation"):
            rows = [text.translate(_LOWER) for text in rows]
        if self.standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
            rows = [text.translate(_PUNCTUATION) for text in rows]
        if self.split is None:
            length = texts.shape[-1] if texts.ndim else 1
            words = [rows[k : k + length] for k in range(0, len(rows), length)]
        elif self.split == "whitespace":
            words = [_WORD.findall(text) for text in rows]
        elif self.split == "character":
            words = [list(text) for text in rows]
        else:
            assert callable(self.split)
            given = self.split(np.array(rows, str))
            given = given.tolist() if isinstance(given, np.ndarray) else given
            words = [to_strings("split", row, self.encoding).tolist() for row in given]
        return [self._with_ngrams(row) for row in words] if self._widths else words

    def _with_ngrams(self, words: list[str]) -> list[str]:
        return [
            " ".join(words[k : k + width])
            for width in self._widths
            for k in range(len(words) - width + 1)
        ]

    def compute(self, inputs: Array) -> Array:
        """Return the numbers of words, padded, or vectors."""
        lead = inputs.shape[:-1] if self.split is None or inputs.ndim > 1 else inputs.shape
        words = self._words_of(inputs)
        lookup = self._lookup
        numbers = lookup.look_up([word for row in words for word in row])
        ends = np.cumsum([len(row) for row in words]).astype(int)
        rows = np.split(numbers, ends[:-1])
        length = max((len(row) for row in words), default=0)
        if self.output_mode == "int":
            length = length if self.output_sequence_length is None else self.output_sequence_length
        # Padding counts in no vector.
        padded = np.full((len(rows), length), 0 if self.output_mode == "int" else -1)
        for row, own in zip(padded, rows, strict=True):
            row[: len(own)] = own[:length]
        encoded = lookup.encode(padded)
        return encoded.reshape(*lead, encoded.shape[-1])

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of numbers or vectors."""
        if self.split is None and self.output_mode == "int":
            return (*input_shape[:-1], self.output_sequence_length or input_shape[-1])
        if self.output_mode == "int":
            return (*input_shape[:1], self.output_sequence_length)
        if self.output_mode == "one_hot":
            return (*input_shape[:1], None, self._lookup.depth)
        return (*input_shape[:1], self._lookup.depth)

    # ---- configuration ----

    def get_config(self) -> Config:
        """Return the constructor arguments, and the vocabulary that the layer has by now."""
        lookup = self._lookup.get_config()
        kept = ("max_tokens", "pad_to_max_tokens", "vocabulary", "idf_weights", "encoding")
        return {
            **super().get_config(),
            "standardize": _to_config(self.standardize),
            "split": _to_config(self.split),
            "ngrams": list(self.ngrams) if isinstance(self.ngrams, tuple) else self.ngrams,
            "output_mode": self.output_mode,
            "output_sequence_length": self.output_sequence_length,
            **{name: lookup[name] for name in kept},
        }

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """Make a layer from what ``get_config`` returned.

        Raises:
            ValueError: the vocabulary is a file that stands elsewhere.
        """
        config = dict(without_files(config))
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_keras_object(config[name])
        return cls(**config)


def _widths_of(ngrams: int | Sequence[int] | None) -> list[int]:
    """Return how many words make one, for each width."""
    if isinstance(ngrams, (list, tuple)):
        return [to_positive_int("ngrams", width) for width in ngrams]
    return [] if ngrams is None else list(range(1, to_positive_int("ngrams", ngrams) + 1))


def _check_choice(argument: str, value: Any, known: tuple[str, ...]) -> None:
    if value is not None and not callable(value) and value not in known:
        raise ValueError(errors.not_one_of(argument, value, (*known, None, "a function")))


def _to_config(value: str | TextFunction | None) -> Any:
    return serialize_keras_object(value) if callable(value) else value
