"""Data sets in stages, written once: for ``tf.data``, which has recorded what they give, and here.

Each is a function of the class ``Dataset``, with arrays as NumPy has them and no random order.
"""

import numpy as np

NUMBERS = np.arange(20, dtype=np.float32).reshape(10, 2)
LABELS = np.arange(10, dtype=np.int64) * 10


def words():
    yield from ([1, 2, 3], [4], [5, 6], [7, 8, 9, 10], [11], [12, 13])


def pairs():
    for k, word in enumerate(words()):
        yield word, k


def of_words(d):
    return d.from_generator(words, output_types=np.int32, output_shapes=[None])


def of_pairs(d):
    return d.from_generator(pairs, output_types=(np.int32, np.int32), output_shapes=([None], []))


def rows(d):
    return d.from_tensor_slices((NUMBERS, LABELS))


def windows_of_pairs(d):
    windows = rows(d).window(3, shift=2, drop_remainder=True)
    return windows.flat_map(lambda x, y: d.zip((x.batch(3), y.batch(3))))


PIPELINES = {
    "slices": rows,
    "slices of a dict": lambda d: d.from_tensor_slices({"a": [1, 2], "b": [[0.5], [1.5]]}),
    "slices of nests": lambda d: d.from_tensor_slices(({"a": [1, 2]}, ([3, 4], [True, False]))),
    "slices of a list": lambda d: d.from_tensor_slices([[1, 2], [3, 4]]),
    "slices of strings": lambda d: d.from_tensor_slices(["a", "bc", "déf"]).batch(2),
    "tensors": lambda d: d.from_tensors((NUMBERS[:2], [1, 2])),
    "range": lambda d: d.range(5),
    "range with steps": lambda d: d.range(9, 1, -3),
    "generator": lambda d: of_words(d),
    "generator of pairs": lambda d: of_pairs(d),
    "take": lambda d: rows(d).take(3),
    "take more": lambda d: rows(d).take(30),
    "take all": lambda d: rows(d).take(-1),
    "skip": lambda d: rows(d).skip(7),
    "skip more": lambda d: rows(d).skip(70),
    "skip all": lambda d: rows(d).skip(-1),
    "shard": lambda d: d.range(10).shard(3, 1),
    "shard of batches": lambda d: d.range(10).batch(2).shard(2, 1),
    "repeat": lambda d: d.range(3).repeat(2),
    "repeat 0": lambda d: d.range(3).repeat(0),
    "repeat and take": lambda d: d.range(3).repeat().take(7),
    "repeat and batch": lambda d: d.range(3).repeat(3).batch(4),
    "batch and repeat": lambda d: d.range(3).batch(2).repeat(2),
    "skip, repeat, shard, batch": lambda d: d.range(11).skip(2).repeat(2).shard(3, 2).batch(2),
    "repeat, skip, take, batch": lambda d: d.range(4).repeat().skip(3).take(9).batch(4),
    "concatenate": lambda d: d.range(3).concatenate(d.range(7, 9)),
    "batch": lambda d: rows(d).batch(4),
    "batch without the rest": lambda d: rows(d).batch(4, drop_remainder=True),
    "batch of batches": lambda d: d.range(10).batch(2).batch(2),
    "unbatch": lambda d: rows(d).batch(4).unbatch().take(5),
    "unbatch what was mapped": lambda d: d.range(6).batch(4).map(lambda x: x + 1).unbatch(),
    "unbatch without the rest": lambda d: d.range(6).batch(4, drop_remainder=True).unbatch(),
    "rebatch": lambda d: d.range(10).batch(4).rebatch(3),
    "padded batch": lambda d: of_words(d).padded_batch(4),
    "padded batch of pairs": lambda d: of_pairs(d).padded_batch(4, padded_shapes=([None], [])),
    "padded batch to a shape": lambda d: of_words(d).padded_batch(2, padded_shapes=[5]),
    "padded batch with values": lambda d: of_pairs(d).padded_batch(
        3, padded_shapes=([6], []), padding_values=(np.int32(-1), np.int32(0))
    ),
    "padded batch, no rest": lambda d: of_words(d).padded_batch(4, drop_remainder=True),
    "buckets": lambda d: of_words(d).bucket_by_sequence_length(len_of, [2, 4], [2, 2, 1]),
    "buckets of pairs": lambda d: of_pairs(d).bucket_by_sequence_length(
        lambda x, y: len_of(x), [3, 9], [3, 2, 1], drop_remainder=True
    ),
    "buckets to the boundary": lambda d: of_pairs(d).bucket_by_sequence_length(
        lambda x, y: len_of(x), [3, 9], [3, 2, 1], pad_to_bucket_boundary=True
    ),
    "window": lambda d: d.range(7).window(3).flat_map(lambda w: w.batch(3)),
    "window, shift": lambda d: d.range(7).window(3, shift=1).flat_map(lambda w: w.batch(3)),
    "window, whole": lambda d: d.range(7).window(3, 1, drop_remainder=True).flat_map(
        lambda w: w.batch(3)
    ),
    "window, stride": lambda d: d.range(9).window(3, 2, 2).flat_map(lambda w: w.batch(3)),
    "window, stride, whole": lambda d: d.range(9).window(3, 2, 2, True).flat_map(
        lambda w: w.batch(3)
    ),
    "window, wide shift": lambda d: d.range(11).window(2, 5).flat_map(lambda w: w.batch(9)),
    "window of pairs": windows_of_pairs,
    "window of what was mapped": lambda d: d.range(9).map(lambda x: x).window(3, 2, 2).flat_map(
        lambda w: w.batch(3)
    ),
    "window of what was mapped, whole, wide": lambda d: d.range(12).map(lambda x: x).window(
        2, 5, 2, True
    ).flat_map(lambda w: w.batch(3)),
    "window of different lengths": lambda d: of_words(d).window(4).flat_map(
        lambda w: w.padded_batch(4)
    ),
    "map": lambda d: d.range(4).map(lambda x: x * 2),
    "map to a tuple": lambda d: d.range(4).map(lambda x: (x, {"twice": x * 2})),
    "map of a tuple": lambda d: rows(d).map(lambda x, y: (x[0], y + 1)).batch(3),
    "map of a dict": lambda d: d.from_tensor_slices({"a": [1, 2]}).map(lambda e: e["a"] + 1),
    "map of batches": lambda d: rows(d).batch(4).map(lambda x, y: (x[:, :1], y)),
    "filter": lambda d: d.range(9).filter(lambda x: x % 3 == 0),
    "take while": lambda d: d.range(9).take_while(lambda x: x < 4),
    "flat map": lambda d: d.range(3).flat_map(lambda x: d.range(2).map(lambda y: x * 10 + y)),
    "interleave": lambda d: d.range(1, 6).interleave(
        lambda x: d.from_tensors(x).repeat(6), cycle_length=2, block_length=4
    ),
    "interleave one": lambda d: d.range(5).interleave(
        lambda x: d.range(3).map(lambda y: x * 10 + y), cycle_length=3
    ),
    "zip": lambda d: d.zip((d.range(3), d.range(10, 15))),
    "zip of a nest": lambda d: d.zip(({"a": d.range(3)}, (d.range(3, 6), rows(d)))),
    "zip of maps": lambda d: d.zip((d.range(4).map(lambda x: x + 1), d.range(3))),
    "zip and batch": lambda d: d.zip((d.range(5), rows(d))).batch(3),
    "enumerate": lambda d: d.range(7, 10).enumerate(2),
    "cache": lambda d: d.range(3).map(lambda x: x + 1).cache().repeat(2),
    "prefetch": lambda d: d.range(5).batch(2).prefetch(1),
    "scan": lambda d: d.range(5).scan(np.int64(0), lambda s, x: (s + x, s)),
    "empty": lambda d: d.range(0).batch(2),
}  # fmt: skip


def len_of(x):
    return x.shape[0] if isinstance(x, np.ndarray) else _length_in_tensorflow(x)


def _length_in_tensorflow(x):
    import tensorflow

    return tensorflow.shape(x)[0]


def in_json(element):
    """Return an element of arrays as what JSON can hold, with the types of the arrays."""
    if isinstance(element, tuple):
        return ["tuple", *map(in_json, element)]
    if isinstance(element, dict):
        return {key: in_json(entry) for key, entry in element.items()}
    array = np.asarray(element)
    texts = [
        entry.decode() if isinstance(entry, bytes) else entry for entry in array.ravel().tolist()
    ]
    return [array.dtype.name, list(array.shape), texts]


def record(dataset_class):
    """Return what each pipeline gives, and its cardinality."""
    found = {}
    for name, make in PIPELINES.items():
        dataset = make(dataset_class)
        elements = [in_json(element) for element in dataset.as_numpy_iterator()]
        found[name] = {"elements": elements, "cardinality": int(dataset.cardinality())}
    return found
