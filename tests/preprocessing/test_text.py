"""Tokenizer and words: against the package of Keras 2, which Keras 3 keeps for its older users."""

import itertools
import json
import pickle

import numpy as np
import pytest
from live_keras import keras

from fastrnn.preprocessing import text as ours

theirs = keras.src.legacy.preprocessing.text

TEXTS = [
    "The cat sat on the mat, the dog on the log.",
    "",
    "A dog?  A CAT!\tthe\nlog & fog",
    "it's a fog; it's no frog -- the end",
]
UNSEEN = ["the frog met a prince", "THE end", "nothing known", ["The", "fog", "met"]]
OPTIONS = [
    {},
    {"num_words": 5},
    {"oov_token": "<unk>"},
    {"num_words": 5, "oov_token": "<unk>"},
    {"lower": False},
    {"char_level": True},
    {"char_level": True, "num_words": 8, "oov_token": "?", "lower": False},
    {"filters": ".", "split": "o"},
    {"split": "the"},
    {"analyzer": str.split},
]
COUNTED = ("word_counts", "word_docs", "word_index", "index_word", "index_docs", "document_count")


def fitted(package, options):
    tokenizer = package.Tokenizer(**options)
    tokenizer.fit_on_texts(TEXTS)
    tokenizer.fit_on_texts([["Dog", "cat", "prince"]])
    return tokenizer


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_tokenizer_is_that_of_keras(options):
    mine, wanted = (fitted(package, options) for package in (ours, theirs))
    for name in COUNTED:
        assert getattr(mine, name) == getattr(wanted, name), name
    assert list(mine.word_counts) == list(wanted.word_counts)
    texts = TEXTS + UNSEEN
    sequences = wanted.texts_to_sequences(texts)
    assert mine.texts_to_sequences(texts) == sequences
    assert next(mine.texts_to_sequences_generator(texts)) == sequences[0]
    if not any(isinstance(word, tuple) for word in mine.word_index):
        longer = [*sequences, [1, 2, 99, 4, 7]]
        assert mine.sequences_to_texts(longer) == wanted.sequences_to_texts(longer)
    assert mine.get_config() == wanted.get_config()


@pytest.mark.parametrize("mode", ["binary", "count", "freq", "tfidf"])
@pytest.mark.parametrize("options", OPTIONS[:4], ids=str)
def test_matrices_are_those_of_keras(options, mode):
    mine, wanted = (fitted(package, options) for package in (ours, theirs))
    expected = wanted.texts_to_matrix(TEXTS + UNSEEN, mode)
    actual = mine.texts_to_matrix(TEXTS + UNSEEN, mode)
    np.testing.assert_array_equal(actual, expected)
    assert actual.dtype == expected.dtype
    for tokenizer in (mine, wanted):
        tokenizer.fit_on_sequences([[1, 2, 2], [1, 5]])
    lists = [[1, 1, 4, 80], [2], []]
    np.testing.assert_array_equal(
        mine.sequences_to_matrix(lists, mode), wanted.sequences_to_matrix(lists, mode)
    )


def test_json_goes_there_and_back():
    options = {"num_words": 5, "oov_token": "<unk>", "lower": False}
    for write, read in itertools.product((ours, theirs), repeat=2):
        source = fitted(write, options)
        copy = read.tokenizer_from_json(source.to_json(indent=1))
        assert copy.texts_to_sequences(UNSEEN) == source.texts_to_sequences(UNSEEN)
        assert copy.get_config() == source.get_config()
    copy = ours.tokenizer_from_json(source.to_json())
    copy.fit_on_texts(["new words"])  # Keras's own copies cannot
    assert copy.word_docs["words"] == 1
    for text in ("{", "3", "{}", json.dumps({"config": {}}), '{"config": {"word_counts": 3}}'):
        with pytest.raises(ValueError, match=r"`json_string`.*Tokenizer\.to_json"):
            ours.tokenizer_from_json(text)


def test_a_tokenizer_is_pickled():
    tokenizer = fitted(ours, {"oov_token": "?"})
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert copy.texts_to_sequences(UNSEEN) == tokenizer.texts_to_sequences(UNSEEN)


def test_what_a_tokenizer_refuses():
    with pytest.raises(TypeError, match=r"Tokenizer: nb_texts"):
        ours.Tokenizer(nb_texts=3)
    with pytest.warns(DeprecationWarning, match=r"nb_words.*num_words"):
        assert ours.Tokenizer(nb_words=3).num_words == 3
    with pytest.raises(ValueError, match=r"`num_words`.*fit_on_texts"):
        ours.Tokenizer().texts_to_matrix(["a"])
    with pytest.raises(ValueError, match=r"`mode`.*fit_on_texts"):
        ours.Tokenizer(num_words=3).texts_to_matrix(["a"], "tfidf")
    with pytest.raises(ValueError, match=r"`mode`.*'binary'"):
        fitted(ours, {}).texts_to_matrix(["a"], "rank")
    with pytest.raises(TypeError, match=r"`input_text`.*nan"):
        ours.Tokenizer().fit_on_texts([float("nan")])


@pytest.mark.parametrize(
    "options", [{}, {"lower": False}, {"filters": "aeiou", "split": ","}], ids=str
)
def test_words_are_those_of_keras(options):
    for text in TEXTS:
        assert ours.text_to_word_sequence(text, **options) == theirs.text_to_word_sequence(
            text, **options
        )
        for function in ("md5", None, len):
            actual, expected = (
                package.hashing_trick(text, 7, function, **options) for package in (ours, theirs)
            )
            assert actual == expected
        assert ours.one_hot(text, 50, **options) == theirs.one_hot(text, 50, **options)
    analyzed = ours.hashing_trick("a b", 9, "md5", analyzer=str.split)
    assert analyzed == theirs.hashing_trick("a b", 9, "md5", analyzer=str.split)


def test_what_hashing_refuses():
    with pytest.raises(ValueError, match=r"`n`.*from 2 on"):
        ours.hashing_trick("a", 1)
    with pytest.raises(ValueError, match=r"`hash_function`.*'sha'"):
        ours.hashing_trick("a", 9, "sha")
