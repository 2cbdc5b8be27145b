"""Archive formats: zip archives of a description, metadata, and the arrays of a model."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from fastrnn.formats.containers.zip_archive import Archive
from fastrnn.formats.places import Place
from fastrnn.formats.stored import Stored
from fastrnn.typing import Config

# The members that each format has, beside those of the arrays.
CONFIG, METADATA = "config.json", "metadata.json"


@dataclass(frozen=True)
class ArchiveFormat:
    """One format of whole models.

    Attributes:
        suffix: what the names of its files end in.
        metadata: returns what the format says of itself and of the time.
        write_arrays: writes the variables of places to an archive.
        open_arrays: gives the arrays of an archive by their paths, as long as its context is open.
    """

    suffix: str
    metadata: Callable[[], Config]
    write_arrays: Callable[[zipfile.ZipFile, Sequence[Place]], None]
    open_arrays: Callable[[Archive], AbstractContextManager[Mapping[str, Stored]]]
