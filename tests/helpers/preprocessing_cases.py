"""Layers before a model and what they are called on, written once: for Keras on TensorFlow, which
has recorded what they give, and here.

Each is a function of the package that returns a layer, what it adapts to, and its inputs.
"""

import numpy as np

WORDS = [["a", "b", "c", "d"], ["d", "z", "b", "a"], ["z", "z", "c", "d"]]
NUMBERS = [[12, 36, 1138, 42], [42, 1000, 36, 12], [7, 36, 36, 8]]
TEXTS = [
    "The cat sat on the mat; the dog didn't!",
    "  a DOG,\ta cat\nand the   log ",
    "",
    "Été à la plage: C'EST ÇA.",
    "no-break\u00a0space and ideographic\u3000one",
]
UNSEEN = ["the prince met a DOG", "nothing", "THE the the"]
VOCABULARY = ["a", "b", "c", "d"]
MODES = ["int", "one_hot", "multi_hot", "count"]
FLOATS = np.linspace(-3, 9, 97).reshape(97, 1) ** 3
BOUNDARIES = [-1.0, 0.0, 5.5]
LONG = ["x" * n for n in (1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130)]


def strings(**options):
    return lambda k: (k.layers.StringLookup(vocabulary=VOCABULARY, **options), None, WORDS)


def learnt_strings(**options):
    return lambda k: (k.layers.StringLookup(**options), WORDS, WORDS)


def integers(**options):
    vocabulary = options.pop("vocabulary", [12, 36, 1138, 42])
    return lambda k: (
        k.layers.IntegerLookup(vocabulary=vocabulary, **options),
        None,
        np.array(NUMBERS),
    )


def texts(**options):
    return lambda k: (k.layers.TextVectorization(**options), TEXTS, TEXTS + UNSEEN)


def hashes(inputs, **options):
    return lambda k: (k.layers.Hashing(**options), None, np.array(inputs))


def ranges(**options):
    return lambda k: (
        k.layers.Discretization(**options),
        FLOATS if "num_bins" in options else None,
        FLOATS[:30] - 1,
    )


CASES = {
    **{f"strings, {mode}": strings(output_mode=mode) for mode in MODES if mode != "one_hot"},
    "strings, mask": strings(mask_token="z"),
    "strings, mask, count": strings(mask_token="z", output_mode="count"),
    "strings, several unknown": strings(num_oov_indices=3),
    "strings, several unknown, salt": strings(num_oov_indices=3, salt=[11, 29]),
    "strings, tf_idf": strings(output_mode="tf_idf", idf_weights=[0.25, 0.75, 0.6, 0.4]),
    "strings, padded": strings(output_mode="multi_hot", max_tokens=7, pad_to_max_tokens=True),
    "strings, complete vocabulary": lambda k: (
        k.layers.StringLookup(vocabulary=["", "?", "x", "y"], mask_token="", oov_token="?"),
        None,
        [["x", "", "z", "y"]],
    ),
    "strings, one_hot of one": lambda k: (
        k.layers.StringLookup(vocabulary=VOCABULARY, output_mode="one_hot"), None, ["a", "z", "d"]
    ),
    "strings, one_hot of a column": lambda k: (
        k.layers.StringLookup(vocabulary=VOCABULARY, output_mode="one_hot"), None, [["a"], ["z"]]
    ),
    "learnt strings": learnt_strings(),
    "learnt strings, few": learnt_strings(max_tokens=3),
    "learnt strings, tf_idf": learnt_strings(output_mode="tf_idf"),
    "learnt strings, tf_idf, padded": learnt_strings(
        output_mode="tf_idf", max_tokens=9, pad_to_max_tokens=True
    ),
    "learnt strings of a list": lambda k: (
        k.layers.StringLookup(output_mode="tf_idf"), ["a", "b", "a", "c"], [["a", "b"], ["c", "q"]]
    ),
    **{f"integers, {mode}": integers(output_mode=mode) for mode in MODES if mode != "one_hot"},
    "integers, mask": integers(mask_token=1000, num_oov_indices=2),
    "integers, several unknown": integers(num_oov_indices=4),
    "integers, several unknown, hashed": integers(num_oov_indices=4, oov_method="farmhash"),
    "integers, several unknown, salt": integers(num_oov_indices=4, oov_method="farmhash", salt=5),
    "integers, tf_idf": integers(
        output_mode="tf_idf", vocabulary=[-1, 12, 36], idf_weights=[0.9, 0.25, 0.75]
    ),
    "integers, inverted": lambda k: (
        k.layers.IntegerLookup(vocabulary=[12, 36], invert=True), None, np.array([[1, 2, 0, 9]])
    ),
    "learnt integers": lambda k: (k.layers.IntegerLookup(), np.array(NUMBERS), np.array(NUMBERS)),
    "texts": texts(),
    "texts, few words": texts(max_tokens=6),
    "texts, long": texts(output_sequence_length=12),
    "texts, short": texts(output_sequence_length=3),
    "texts as they are": texts(standardize=None),
    "texts, lower": texts(standardize="lower"),
    "texts, no punctuation": texts(standardize="strip_punctuation"),
    "texts, characters": texts(split="character", output_sequence_length=9),
    "texts, two words": texts(ngrams=2),
    "texts, some words": texts(ngrams=(1, 3)),
    "texts, multi_hot": texts(output_mode="multi_hot"),
    "texts, count": texts(output_mode="count", ngrams=2),
    "texts, tf_idf": texts(output_mode="tf_idf"),
    "texts, tf_idf, padded": texts(
        output_mode="tf_idf", max_tokens=40, pad_to_max_tokens=True
    ),
    "texts in a column": lambda k: (
        k.layers.TextVectorization(), [[t] for t in TEXTS], np.array([[t] for t in UNSEEN])
    ),
    "one text": lambda k: (k.layers.TextVectorization(), TEXTS, "the cat"),
    "words": lambda k: (
        k.layers.TextVectorization(split=None), ["a b", "c", "a b"], ["A b", "c", "d"]
    ),
    "texts, given words": lambda k: (
        k.layers.TextVectorization(vocabulary=["dog", "the"]), None, TEXTS
    ),
    "learnt ranges": ranges(num_bins=5),
    "learnt ranges, roughly": ranges(num_bins=4, epsilon=0.2),
    "hashes": hashes([["A"], ["B"], ["hello world"]], num_bins=30),
    "hashes of long ones": hashes(LONG, num_bins=2**40),
    "hashes, salt": hashes(LONG, num_bins=2**40, salt=[133, 137]),
    "hashes, one salt": hashes([["A"], ["B"]], num_bins=30, salt=133),
    "hashes, mask": hashes([["A", "B", ""]], num_bins=4, mask_value=""),
    "hashes of integers": hashes(NUMBERS, num_bins=6),
    "hashes, count": hashes(NUMBERS, num_bins=6, output_mode="count"),
    "hashes, one_hot": hashes([[1], [2]], num_bins=3, output_mode="one_hot"),
}  # fmt: skip
# Those that Keras computes without TensorFlow, and so live.
LIVE = {
    **{f"ranges, {mode}": ranges(bin_boundaries=BOUNDARIES, output_mode=mode) for mode in MODES},
    **{
        f"categories, {mode}": lambda k, mode=mode: (
            k.layers.CategoryEncoding(5, mode), None, np.array([[1, 1, 4], [0, 3, 2]])
        )
        for mode in ("multi_hot", "count")
    },
    **{
        f"categories in a row, {mode}": lambda k, mode=mode: (
            k.layers.CategoryEncoding(5, mode), None, np.array([1, 1, 4])
        )
        for mode in ("multi_hot", "count", "one_hot")
    },
    "categories in a column": lambda k: (
        k.layers.CategoryEncoding(5, "one_hot"), None, np.array([[1], [4]])
    ),
}  # fmt: skip


def run(package, make):
    """Return what a layer gives, and its vocabulary."""
    layer, data, inputs = make(package)
    if data is not None:
        layer.adapt(data)
    outputs = layer(inputs)
    vocabulary = layer.get_vocabulary() if hasattr(layer, "get_vocabulary") else None
    return np.asarray(outputs.detach() if hasattr(outputs, "detach") else outputs), vocabulary
