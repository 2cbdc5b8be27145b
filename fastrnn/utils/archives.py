"""Archives: tar and zip files unpacked, or refused as a whole before anything is written."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from fastrnn.core import errors

FORMATS = ("auto", "tar", "zip")
# What an archive may grow to: as much as text hardly exceeds, and always as much as this.
_MOST_TIMES, _MOST_BYTES = 100, 2**30
_MOST_MEMBERS = 10**6


def formats_of(archive_format: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the kinds of archives to try.

    Raises:
        ValueError: one is unknown.
    """
    given = [archive_format] if isinstance(archive_format, str) else archive_format or []
    for name in given:
        if name not in FORMATS:
            raise ValueError(errors.not_one_of("archive_format", name, FORMATS))
    return ("tar", "zip") if "auto" in given else tuple(given)


def unpack(path: Path, folder: Path, formats: Sequence[str]) -> bool:
    """Unpack an archive into a folder that is made for it, and replaced if it is there.

    Returns:
        Whether it is an archive of one of the formats; nothing happens where it is none.

    Raises:
        ValueError: a member would stand outside of the folder, is no file, folder or link within,
            or the archive would grow beyond all measure. Nothing is kept then.
    """
    if "tar" in formats and tarfile.is_tarfile(path):
        extract = _extract_tar
    elif "zip" in formats and zipfile.is_zipfile(path):
        extract = _extract_zip
    else:
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        extract(path, fresh)
        fresh.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise _refusal(path, f"a whole archive of files within it: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True


def _extract_tar(path: Path, folder: Path) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise OSError("Unpacking tar files safely needs Python 3.11.4 or newer.")
    with tarfile.open(path) as archive:
        members, size = [], 0
        for member in archive:
            _check_name(path, member.name)
            members.append(member)
            size += member.size
            _check_size(path, size, len(members))
        # Refuses devices, and links that lead out of the folder.
        archive.extractall(folder, members, filter="data")


def _extract_zip(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_size(path, sum(member.file_size for member in members), len(members))
        for member in members:
            _check_name(path, member.filename)
        archive.extractall(folder)


def _check_name(path: Path, name: str) -> None:
    for kind in (PurePosixPath, PureWindowsPath):
        parts = kind(name)
        if parts.anchor or ".." in parts.parts:
            raise _refusal(path, f"no member outside of it, such as {name!r}")


def _check_size(path: Path, size: int, members: int) -> None:
    most = max(_MOST_BYTES, _MOST_TIMES * path.stat().st_size)
    if size > most or members > _MOST_MEMBERS:
        raise _refusal(path, f"at most {most} bytes in {_MOST_MEMBERS} files, unpacked")


def _refusal(path: Path, expected: str) -> ValueError:
    remedy = "Nothing of it is kept. Unpack it yourself if you trust it."
    return ValueError(errors.bad_argument("origin", str(path), expected, remedy))
