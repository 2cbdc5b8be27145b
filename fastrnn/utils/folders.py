"""Folders: the files of a data set, with the folders that they are in as their classes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fastrnn.core import errors
from fastrnn.core.terminal import write
from fastrnn.typing import Array

PathLike = str | os.PathLike[str]
SUBSETS = ("training", "validation", "both")


def index_folder(
    directory: PathLike,
    labels: str | Sequence[int] | None,
    ending: str,
    class_names: Sequence[str] | None,
    follow_links: bool,
) -> tuple[list[str], Array | None, list[str] | None]:
    """Return the paths of files in their order, their labels, and the names of the classes.

    Args:
        directory: the folder.
        labels: ``"inferred"`` from the folders in it, a label for each file, or ``None``.
        ending: what names end in, in lower case.
        class_names: the folders to read, in the order of their labels; all, sorted, unless given.
        follow_links: whether to go into folders behind links.

    Raises:
        ValueError: there is no such folder, or names or labels do not fit.
    """
    root = Path(directory)
    if not root.is_dir():
        raise ValueError(errors.bad_argument("directory", os.fspath(directory), "a folder"))
    if not isinstance(labels, str):
        return _index_whole(root, labels, ending, class_names, follow_links)
    found = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    found = [name for name in found if not name.startswith(".")]
    if class_names is not None and not set(class_names) <= set(found):
        expected = f"some of the folders {found}"
        raise ValueError(errors.bad_argument("class_names", list(class_names), expected))
    names = found if class_names is None else list(class_names)
    paths = [list(_files(root / name, ending, follow_links)) for name in names]
    numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(own) for own in paths])
    return [path for own in paths for path in own], numbers, names


def _index_whole(
    root: Path,
    labels: Sequence[int] | None,
    ending: str,
    class_names: Sequence[str] | None,
    follow_links: bool,
) -> tuple[list[str], Array | None, list[str] | None]:
    if class_names is not None:
        expected = "None, unless labels='inferred'"
        raise ValueError(errors.bad_argument("class_names", class_names, expected))
    paths = list(_files(root, ending, follow_links))
    if labels is None:
        return paths, None, None
    if len(labels) != len(paths):
        expected = f"one for each of the {len(paths)} files"
        raise ValueError(errors.bad_argument("labels", f"{len(labels)} labels", expected))
    return paths, np.array(labels, np.int32), [str(label) for label in sorted(set(labels))]


def _files(folder: Path, ending: str, follow_links: bool) -> Iterator[str]:
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links)):
        yield from (
            os.path.join(root, name) for name in sorted(names) if name.lower().endswith(ending)
        )


def check_split(
    validation_split: float | None, subset: str | None, shuffle: bool, seed: int | None
) -> None:
    """Raise ``ValueError`` if the options of a split do not go together."""
    if not validation_split:
        if subset is not None:
            expected = "None, without `validation_split`"
            raise ValueError(errors.bad_argument("subset", subset, expected))
        return
    if not 0 < validation_split < 1:
        expected = "a number between 0 and 1"
        raise ValueError(errors.bad_argument("validation_split", validation_split, expected))
    if subset not in SUBSETS:
        raise ValueError(errors.not_one_of("subset", subset, SUBSETS))
    if shuffle and seed is None:
        expected = "a seed, with shuffle=True: both parts must have the same order"
        raise ValueError(errors.bad_argument("seed", None, expected))


def in_drawn_order(
    paths: list[str], labels: Array | None, seed: int
) -> tuple[list[str], Array | None]:
    """Return paths and labels in the order that Keras draws."""
    order = np.arange(len(paths))
    np.random.RandomState(seed).shuffle(order)
    return [paths[k] for k in order], None if labels is None else labels[order]


def parts_of(
    paths: list[str], labels: Array | None, validation_split: float | None, subset: str | None
) -> list[tuple[list[str], Array | None]]:
    """Return paths and labels of the subset, or of both.

    Raises:
        ValueError: one of them has no file.
    """
    at = len(paths) - int((validation_split or 0) * len(paths))
    training, validation = (
        (paths[rows], None if labels is None else labels[rows])
        for rows in (slice(0, at), slice(at, None))
    )
    chosen = {None: [training], "training": [training], "validation": [validation]}
    parts = chosen.get(subset, [training, validation])
    if not all(own for own, _ in parts):
        expected = "one with files for each part"
        raise ValueError(errors.bad_argument("directory", f"{len(paths)} files", expected))
    return parts


def tell(paths: list[str], class_names: list[str] | None) -> None:
    """Say how many files there are, and classes."""
    classes = "" if class_names is None else f" belonging to {len(class_names)} classes"
    write(f"Found {len(paths)} files{classes}.\n")
