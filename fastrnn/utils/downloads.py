"""get_file: files that are downloaded once."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.core.terminal import write
from fastrnn.core.user_warnings import deprecated, warn
from fastrnn.utils.archives import formats_of, unpack

_TIMEOUT_SECONDS = 30
_CHUNK = 2**20
PathLike = str | os.PathLike[str]


def keras_home() -> Path:
    """Return the folder where Keras keeps files: ``$KERAS_HOME`` or ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def get_file(
    fname: PathLike | None = None,
    origin: PathLike | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: PathLike = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: PathLike | None = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file, which is downloaded if it is not there yet.

    Args:
        fname: name of the file in the cache, or its path; that of ``origin`` unless given.
        origin: a URL (``http``, ``https``, ``ftp``, ``file``), or a path of a file to copy.
        untar, md5_hash: as ``extract`` and ``file_hash``, in Keras 2.
        file_hash: hexadecimal digest that the file must have.
        cache_subdir: folder in the cache.
        hash_algorithm: ``"md5"``, ``"sha256"``, or ``"auto"``, which tells them by their length.
        extract: whether to unpack an archive: into the folder ``fname`` where it has no ending,
            else ``fname`` up to its first dot and ``_extracted``; where Keras 2 put it, too.
        archive_format: ``"tar"``, ``"zip"``, a list of them, ``"auto"`` for both, ``None``.
        cache_dir: the cache; ``$KERAS_HOME`` or ``~/.keras`` unless given.
        force_download: whether to download what is there.

    Returns:
        The path of the file, or of the folder where ``extract`` unpacked it.

    Raises:
        OSError: downloading it failed; the message says where to put it.
        ValueError: the file has another hash, ``origin`` names no file, or an archive has members
            outside of itself. Nothing is kept then.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "here.txt").write_text("words")
    ...     path = get_file("there.txt", f"{folder}/here.txt", cache_dir=folder)
    ...     print(pathlib.Path(path).read_text(), pathlib.Path(path).parent.name)
    words datasets
    """
    if origin is None:
        raise ValueError(errors.bad_argument("origin", origin, "a URL, or the path of a file"))
    algorithm = to_choice("hash_algorithm", hash_algorithm, ("auto", "md5", "sha256"))
    if md5_hash is not None and file_hash is None:
        deprecated("get_file(md5_hash=…)", "get_file(file_hash=…)")
        file_hash, algorithm = md5_hash, "md5"
    if untar:
        deprecated("get_file(untar=True)", "get_file(extract=True)")
    formats = ("tar",) if untar else formats_of(archive_format)
    name = os.fspath(fname) if fname else _name_of(origin)
    path = cached(Path(cache_subdir, name), cache_dir)
    wanted = (origin, file_hash, algorithm, force_download)
    if extract or untar:
        return str(_extracted(path, bool(fname), wanted, formats))
    return str(fetched(path, *wanted))


def _extracted(
    path: Path,
    named: bool,
    wanted: tuple[PathLike, str | None, str, bool],
    formats: Sequence[str],
) -> Path:
    """Return the folder of an archive, unpacked where that has not been done."""
    target, unpacked = _places(path, named)
    before = _version(target)
    fetched(target, *wanted)
    if not unpacked.is_dir() or _version(target) != before:
        if unpack(target, unpacked, formats):
            _link_beside(unpacked)
        else:
            warn(f"{target} is no archive that could be unpacked.")
    return unpacked


def _version(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.is_file() else None


def fetched(
    target: Path, origin: PathLike, file_hash: str | None, algorithm: str, anew: bool = False
) -> Path:
    """Return ``target``, after downloading it if it is not there or has another hash.

    Raises:
        OSError, ValueError: see ``get_file``.
    """
    there = target.is_file()
    if there and not anew:
        if file_hash is None or _hash_of(target, file_hash, algorithm) == file_hash.lower():
            return target
        write(f"{target} has another hash than expected and is downloaded again.\n")
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    handle, fresh = tempfile.mkstemp(dir=folder, prefix=".download-")
    try:
        with os.fdopen(handle, "wb") as file:
            _download(os.fspath(origin), file, target)
        if (
            file_hash is not None
            and _hash_of(Path(fresh), file_hash, algorithm) != file_hash.lower()
        ):
            kind = _algorithm(file_hash, algorithm)
            raise ValueError(
                f"The file from {origin} does not have the {kind} checksum {file_hash} and was not "
                "kept. Try again, or fetch the file another way."
            )
        os.chmod(fresh, 0o644)
        os.replace(fresh, target)
    finally:
        Path(fresh).unlink(missing_ok=True)
    return target


def _download(origin: str, file: BinaryIO, target: Path) -> None:
    """Write what is at ``origin`` to a file.

    Raises:
        OSError: that failed.
    """
    import http.client
    import urllib.request

    try:
        local = Path(origin).expanduser()
        if "://" not in origin and local.is_file():
            with local.open("rb") as source:
                shutil.copyfileobj(source, file)
            return
        write(f"Downloading data from {origin}\n")
        with urllib.request.urlopen(origin, timeout=_TIMEOUT_SECONDS) as response:
            expected = int(response.headers.get("Content-Length") or 0)
            shutil.copyfileobj(response, file, _CHUNK)
        if file.tell() < expected:
            raise OSError(f"{file.tell()} of {expected} bytes came")
    except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
        raise OSError(
            f"There is no file {target}, and downloading it from {origin} failed: {error}. "
            f"Connect to the internet, or put the file there yourself."
        ) from error


def _hash_of(path: Path, file_hash: str, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, _algorithm(file_hash, algorithm)).hexdigest()


def _algorithm(file_hash: str, algorithm: str) -> str:
    if algorithm != "auto":
        return algorithm
    return "sha256" if len(file_hash) == 64 else "md5"


def cached(path: Path, cache_dir: PathLike | None = None) -> Path:
    """Return the place of a file in the cache; in a temporary one where that may not be written."""
    folder = keras_home() if cache_dir is None else Path(cache_dir).expanduser()
    place = (folder / path).absolute()
    there = next(parent for parent in (place, *place.parents) if parent.exists())
    if there == place or os.access(there, os.W_OK):
        return place
    return Path(tempfile.gettempdir()) / ".keras" / path


def _name_of(origin: PathLike) -> str:
    name = Path(unquote(urlsplit(os.fspath(origin)).path)).name
    if not name:
        raise ValueError(
            errors.bad_argument("origin", origin, "one that ends in a name, or `fname`")
        )
    return name


def _places(path: Path, named: bool) -> tuple[Path, Path]:
    """Return where an archive stands, and where it is unpacked."""
    if named and "." in path.name:
        return path, path.with_name(f"{path.name.partition('.')[0]}_extracted")
    return path.with_name(f"{path.name}_archive"), path


def _link_beside(unpacked: Path) -> None:
    """Let what was unpacked stand where Keras 2 put it too, if nothing is there.

    That is beside the folder; inside of it, if the archive holds one folder of the same name.
    """
    same = unpacked / unpacked.name
    source, place = (same, unpacked) if same.is_dir() else (unpacked, unpacked.parent)
    for entry in source.iterdir():
        link = place / entry.name
        if not link.exists() and not link.is_symlink():
            try:
                link.symlink_to(entry.relative_to(place), entry.is_dir())
            except OSError:  # a system without links
                return
