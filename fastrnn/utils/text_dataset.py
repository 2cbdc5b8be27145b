"""text_dataset_from_directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastrnn.core import errors, random
from fastrnn.core.checks import to_choice, to_positive_int
from fastrnn.data.dataset import Dataset
from fastrnn.typing import Array
from fastrnn.utils.folders import (
    PathLike,
    check_split,
    in_drawn_order,
    index_folder,
    parts_of,
    tell,
)

_MODES = ("int", "categorical", "binary", None)
_BATCHES_IN_BUFFER = 8


def text_dataset_from_directory(
    directory: PathLike,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Dataset | list[Dataset]:
    """Return texts and labels of the ``.txt`` files in a folder, in batches.

    Args:
        directory: the folder; those in it are the classes.
        labels: ``"inferred"``, a label for each file in the order of the paths, or ``None``.
        label_mode: ``"int"``; ``"categorical"``: vectors; ``"binary"``: 0.0 and 1.0; or ``None``.
        class_names: the folders to read, in the order of their labels; all, sorted, unless given.
        batch_size: texts in a batch; ``None`` gives single ones.
        max_length: bytes of a text that are kept.
        shuffle, seed: whether the order is drawn, and its seed.
        validation_split: share of the files for validation.
        subset: ``"training"``, ``"validation"``, or ``"both"`` for a list of both.
        follow_links: whether to go into folders behind links.
        format: ``"tf"`` or ``"grain"``; accepted, the result is the same.
        verbose: whether to say how many files there are.

    Raises:
        ValueError: an argument is unknown, or does not fit the files.
    """
    if isinstance(labels, str):
        to_choice("labels", labels, ("inferred",))
    to_choice("label_mode", label_mode, _MODES)
    to_choice("format", format, ("tf", "grain"))
    check_split(validation_split, subset, shuffle, seed)
    found = labels if label_mode is not None else None
    paths, numbers, names = index_folder(directory, found, ".txt", class_names, follow_links)
    if label_mode == "binary" and names is not None and len(names) != 2:
        expected = "two folders, with label_mode='binary'"
        raise ValueError(errors.bad_argument("class_names", names, expected))
    if verbose:
        tell(paths, names)
    if shuffle:
        seed = random.draw_seed() if seed is None else seed
        paths, numbers = in_drawn_order(paths, numbers, seed)
    mode = label_mode if numbers is not None else None
    made = []
    for k, part in enumerate(parts_of(paths, numbers, validation_split, subset)):
        drawn = seed if shuffle and not (k and subset == "both") else None
        made.append(_dataset(*part, mode, names, batch_size, max_length, drawn))
    return made if subset == "both" else made[0]


def _dataset(
    paths: list[str],
    numbers: Array | None,
    mode: str | None,
    names: list[str] | None,
    batch_size: int | None,
    max_length: int | None,
    seed: int | None,
) -> Dataset:
    """Return a data set of the texts in files, in an order that is drawn where there is a seed."""

    def read(path: Array) -> str:
        content = Path(str(path[()])).read_bytes()
        return content[:max_length].decode("utf-8", "replace")

    labels = None if numbers is None else _labels(numbers, mode, len(names or ()))
    dataset = Dataset.from_tensor_slices(paths if labels is None else (paths, labels))
    if seed is not None:
        buffer = 1024 if batch_size is None else batch_size * _BATCHES_IN_BUFFER
        dataset = dataset.shuffle(buffer, seed)
    dataset = dataset.map(read if labels is None else lambda path, label: (read(path), label))
    if batch_size is not None:
        dataset = dataset.batch(to_positive_int("batch_size", batch_size))
    dataset.class_names = names
    return dataset


def _labels(numbers: Array, mode: str | None, count: int) -> Array:
    """Return numbers of classes in the form of ``label_mode``."""
    if mode == "categorical":
        return np.eye(count, dtype=np.float32)[numbers]
    return numbers[:, None].astype(np.float32) if mode == "binary" else numbers
