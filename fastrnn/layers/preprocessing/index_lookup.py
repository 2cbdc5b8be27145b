"""IndexLookup: tokens as numbers or vectors, by a vocabulary that is given or learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice, to_int
from fastrnn.layers.preprocessing.base import (
    MODES,
    PreprocessingLayer,
    batches_of,
    encode,
    encoded_shape,
)
from fastrnn.layers.preprocessing.hashes import farm_hash, sip_hash
from fastrnn.layers.preprocessing.vocabulary import Vocabulary, lines_of, read_tokens
from fastrnn.typing import Array, ArrayLike, Config, Shape

Salt = int | Sequence[int] | None
Token = str | int | None
_NOWHERE = -1  # the number of what counts in no vector


class IndexLookup(PreprocessingLayer):
    """The base of ``StringLookup`` and ``IntegerLookup``, see there."""

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Token,
        oov_token: Token,
        vocabulary: str | Sequence[Any] | Array | None,
        idf_weights: ArrayLike | None,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        oov_method: str = "floormod",
        salt: Salt = None,
        **kwargs: Any,
    ) -> None:
        self._frozen_size = kwargs.pop("vocabulary_size", None)  # what files say
        kwargs.pop("has_input_vocabulary", None)
        super().__init__(output_mode, (*MODES, "tf_idf"), **kwargs)
        if max_tokens is not None and to_int("max_tokens", max_tokens) < 2:
            raise ValueError(errors.bad_argument("max_tokens", max_tokens, "more than 1, or None"))
        if to_int("num_oov_indices", num_oov_indices) < 0:
            raise ValueError(errors.bad_argument("num_oov_indices", num_oov_indices, "0 or more"))
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(errors.bad_argument("max_tokens", None, "a number, to pad to"))
        if invert and self.output_mode != "int":
            expected = "'int', with `invert`"
            raise ValueError(errors.bad_argument("output_mode", output_mode, expected))
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.pad_to_max_tokens = bool(invert), bool(pad_to_max_tokens)
        self.oov_method = to_choice("oov_method", oov_method, ("floormod", "farmhash"))
        self.salt = to_salt(salt)
        # Masks have a number where numbers come out, and no place in vectors.
        listed = mask_token if self.output_mode == "int" else None
        self._vocabulary = Vocabulary(listed, oov_token, num_oov_indices, max_tokens)
        self._is_given = False
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError(errors.bad_argument("idf_weights", "an array", "None: no vocabulary"))
        self.reset_state()

    # ---- tokens, as the subclasses have them ----

    def to_tokens(self, argument: str, value: object) -> Array:
        """Return an array of tokens."""
        raise NotImplementedError

    def hashed(self, token: Token) -> int:
        """Return a number below ``num_oov_indices`` for an unknown token."""
        text = str(token).encode()
        number = farm_hash(text) if self.salt is None else sip_hash(text, self.salt)
        return number % self.num_oov_indices

    # ---- the vocabulary ----

    def set_vocabulary(
        self, vocabulary: str | Sequence[Any] | Array, idf_weights: ArrayLike | None = None
    ) -> None:
        """Set the tokens, in the order of their numbers.

        Args:
            vocabulary: tokens, with or without the special ones in front; or the path of a file
                with one in each line.
            idf_weights: a weight for each, with ``output_mode="tf_idf"``, and only then.

        Raises:
            ValueError: tokens come twice, are too many, or special ones stand among them.
        """
        weighed = self.output_mode == "tf_idf"
        if weighed != (idf_weights is not None):
            received = None if idf_weights is None else "an array"
            expected = f"{'an array' if weighed else 'None'}, with {self.output_mode=}"
            expected = expected.replace("self.", "")
            raise ValueError(errors.bad_argument("idf_weights", received, expected))
        tokens = read_tokens(vocabulary) if isinstance(vocabulary, str) else vocabulary
        listed = self.to_tokens("vocabulary", tokens).ravel().tolist()
        self._vocabulary.replace(listed, idf_weights, self.invert)
        self._is_given, self._frozen_size = True, None

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the tokens in the order of their numbers.

        Args:
            include_special_tokens: whether those of masks and of unknown tokens stand in front.
        """
        special = self._vocabulary.special if include_special_tokens else []
        return [*special, *self._vocabulary.tokens]

    def vocabulary_size(self) -> int:
        """Return how many numbers there are, those of masks and unknown tokens among them."""
        return len(self._vocabulary)

    def adapt(self, data: object, steps: int | None = None) -> None:
        """Learn the vocabulary; what was learnt before is forgotten.

        Args:
            data: tokens in an array or list; or a data set of batches of them. For ``tf_idf`` each
                row is a document.
            steps: batches of the data set to read, all unless given.

        Raises:
            ValueError: a vocabulary was given to the layer.
        """
        self.reset_state()
        for batch in batches_of(data, steps):
            tokens = self.to_tokens("data", batch)
            if batch is data and tokens.ndim == 1:
                tokens = tokens[:, None]
            self.update_state(tokens)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forget what has been counted."""
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._total = 0

    def update_state(self, data: object) -> None:
        """Count tokens: an array of documents, or lists of tokens."""
        if self._is_given:
            expected = "none: the vocabulary was given to the layer"
            raise ValueError(errors.bad_argument("data", type(data).__name__, expected))
        for document in data if isinstance(data, list) else self._documents_of(data):
            self._counts.update(document)
            self._total += 1
            if self.output_mode == "tf_idf":
                self._documents.update(set(document))

    def _documents_of(self, data: object) -> list[list[Any]]:
        tokens = self.to_tokens("data", data)
        length = tokens.shape[-1] if tokens.ndim else 1
        return list(tokens.reshape(-1, length).tolist())

    def finalize_state(self) -> None:
        """Make the vocabulary of what has been counted."""
        if self._counts:
            idf = self.output_mode == "tf_idf"
            self._vocabulary.learn(self._counts, self._documents, self._total, idf)
            self._frozen_size = None
        self.reset_state()

    @property
    def lacks_vocabulary(self) -> bool:
        """Whether the tokens are still to come, from another part of a file."""
        return not self._vocabulary.tokens

    @property
    def idf_weights(self) -> Array | None:
        """The weight of each number, with ``output_mode="tf_idf"``: padded as the vectors are."""
        weights = self._vocabulary.idf_weights
        if weights is None:
            return None
        return np.pad(weights, (0, self.depth - len(weights))).astype(self.dtype)

    def load_vocabulary(self, text: str, idf_weights: Array | None) -> None:
        """Take the vocabulary that Keras's files keep beside the configuration."""
        tokens = [self._token_of(line) for line in lines_of(text)]
        # An empty mask token is an empty line, and Keras drops those at the end alone.
        weights = None if self.output_mode != "tf_idf" else idf_weights
        if weights is not None:
            weights = weights[: len(tokens)]
        self._vocabulary.replace(tokens, weights, self.invert)
        self._frozen_size = None

    def _token_of(self, line: str) -> Any:
        return line

    # ---- calls ----

    @property
    def depth(self) -> int:
        """Length of the vectors."""
        if self.pad_to_max_tokens:
            assert self.max_tokens is not None
            return self.max_tokens
        if self.lacks_vocabulary and self._frozen_size is None:
            raise ValueError(
                f"Layer {self.name!r} has no vocabulary yet: call `adapt`, or pass `vocabulary`."
            )
        return int(self._frozen_size or len(self._vocabulary))

    @property
    def output_dtype(self) -> str:
        """Type of the outputs."""
        return self.dtype if self.output_mode == "tf_idf" else "int64"

    def convert_inputs(self, inputs: object) -> Array:
        """Return the inputs as tokens, or as numbers where the layer inverts."""
        return to_integers("inputs", inputs) if self.invert else self.to_tokens("inputs", inputs)

    def compute(self, inputs: Array) -> Array:
        """Look up tokens, or numbers."""
        if self.invert:
            return self._tokens_of(inputs)
        return self.encode(self.look_up(inputs.ravel().tolist()).reshape(inputs.shape))

    def look_up(self, tokens: list[Any]) -> Array:
        """Return the numbers of tokens.

        Raises:
            ValueError: unknown ones have no number.
        """
        vocabulary = self._vocabulary
        numbers = vocabulary.look_up(tokens, _NOWHERE)
        for k in np.flatnonzero(numbers == _NOWHERE):
            if self.mask_token is not None and tokens[k] == self.mask_token:
                numbers[k] = 0 if self.output_mode == "int" else _NOWHERE
            elif self.num_oov_indices == 0:
                expected = "tokens of the vocabulary, with num_oov_indices=0"
                raise ValueError(errors.bad_argument("inputs", tokens[k], expected))
            else:
                several = self.num_oov_indices > 1
                numbers[k] = vocabulary.oov_start + (self.hashed(tokens[k]) if several else 0)
        return numbers

    def encode(self, numbers: Array) -> Array:
        """Return numbers in the form of ``output_mode``."""
        if self.output_mode != "tf_idf":
            depth = 0 if self.output_mode == "int" else self.depth
            return encode(numbers, self.output_mode, depth, "int64")
        counts = encode(numbers, "count", self.depth, self.dtype)
        return counts if self.idf_weights is None else counts * self.idf_weights

    def _tokens_of(self, numbers: Array) -> Array:
        """Return the token of each number, that of unknown ones where it has none."""
        listed = dict(enumerate(self.get_vocabulary()))
        tokens = [listed.get(k, self.oov_token) for k in numbers.ravel().tolist()]
        found = np.empty(len(tokens), object)
        found[:] = tokens
        return found.reshape(numbers.shape)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of numbers or vectors."""
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape(input_shape, mode, None if mode == "int" else self.depth)

    # ---- configuration ----

    def get_config(self) -> Config:
        """Return the constructor arguments, and the vocabulary that the layer has by now."""
        weights = self._vocabulary.idf_weights
        return {
            **super().get_config(),
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "mask_token": self.mask_token,
            "oov_token": self.oov_token,
            "vocabulary": None if self.lacks_vocabulary else self.get_vocabulary(),
            "idf_weights": None if weights is None else weights.tolist(),
            "invert": self.invert,
            "output_mode": self.output_mode,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "oov_method": self.oov_method,
            "salt": None if self.salt is None else list(self.salt),
        }

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """Make a layer from what ``get_config`` returned.

        Raises:
            ValueError: the vocabulary is a file that stands elsewhere.
        """
        return cls(**without_files(config))


def without_files(config: Config) -> Config:
    """Return a configuration, or raise ``ValueError`` if it names a file to read."""
    if isinstance(config.get("vocabulary"), str):
        expected = "the tokens: a model's file must not make other files be read"
        raise ValueError(errors.bad_argument("vocabulary", config["vocabulary"], expected))
    return config


def to_salt(salt: Salt) -> tuple[int, int] | None:
    """Return the two numbers of a key."""
    if salt is None:
        return None
    pair = tuple(salt) if isinstance(salt, (list, tuple)) else (salt, salt)
    if len(pair) != 2 or not all(isinstance(part, (int, np.integer)) for part in pair):
        raise ValueError(errors.bad_argument("salt", salt, "an integer, or two"))
    return int(pair[0]), int(pair[1])


def to_integers(argument: str, value: object) -> Array:
    """Return integers as an array of int64.

    Raises:
        ValueError: lists of different lengths, or no integers.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        remedy = "Pad them to one length first: fastrnn.utils.pad_sequences."
        expected = "lists of one length"
        raise ValueError(errors.bad_argument(argument, "a list", expected, remedy)) from None
    if array.dtype.kind == "f" and np.isfinite(array).all():
        array = array.astype(np.int64)
    if array.dtype.kind not in "iub":
        raise ValueError(errors.bad_dtype(argument, array.dtype, "integers"))
    return array.astype(np.int64)
