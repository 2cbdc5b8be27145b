"""Folders whose files are read as the members of an archive are."""

from __future__ import annotations

from pathlib import Path

from fastrnn.formats.containers.zip_archive import Archive
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.source import open_source


class FolderArchive(Archive):
    """A folder with files of a model.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.members = {}
        self.source = path.name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files."""
        return tuple(sorted(entry.name for entry in self._path.iterdir()))

    def read(self, name: str, at_most: int | None = None) -> bytes:
        """Return the content of a file, or its beginning.

        Raises:
            ModelFileError: ``member_missing``; ``member_kind`` for what is no regular file.
        """
        path, place = self._path / name, f"{self.source}, {name}"
        if path.is_symlink():
            raise ModelFileError("member_kind", place, "a link")
        if not path.exists():
            raise ModelFileError("member_missing", place, "the folder has no such file")
        with open_source(path, place) as opened:
            return opened.read_at(0, opened.size if at_most is None else at_most)
