"""Zip archives as data: every member checked before any is read, none written to disk.

The directory at the end of the file and the header before each member both describe it, and two
readers that believe different ones see different files. Here both must agree, and the members
must fill the file without gap or overlap.
"""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastrnn.formats import limits
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.source import Readable, Source, open_source

_END = struct.Struct("<4s4H2LH")  # the end record: PK56, disks, counts, size, offset, comment
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF

_ENCRYPTED = 0x1 | 0x20 | 0x40 | 0x2000  # also patches, strong encryption and masked headers
_DESCRIPTOR_FOLLOWS = 0x8
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_ESCAPED = re.compile("%(2e|2f|5c|00)", re.IGNORECASE)


@dataclass(frozen=True)
class Member:
    """One member: where its bytes stand and what they are to become."""

    name: str
    start: int
    stored_bytes: int
    bytes: int
    checksum: int
    deflated: bool


class Archive:
    """An open archive whose members have been checked.

    Attributes:
        members: the members by their names, in the file's order.
        source: the archive's name, for messages.
    """

    def __init__(self, source: Source, members: dict[str, Member]) -> None:
        self._source = source
        self.members = members
        self.source = source.name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, in the file's order."""
        return tuple(self.members)

    def read(self, name: str, at_most: int | None = None) -> bytes:
        """Return the content of a member.

        Args:
            name: the member's name.
            at_most: how many bytes of its beginning are wanted; ``None`` for all of it. Then the
                size and the checksum are compared.

        Raises:
            ModelFileError: ``member_missing``; ``member_size`` or ``member_checksum`` where the
                content is not what the archive declares.
        """
        place = f"{self.source}, {name}"
        if name not in self.members:
            raise ModelFileError("member_missing", place, "the archive has no such member")
        member = self.members[name]
        if at_most is not None and at_most < member.bytes:
            return self._beginning(member, at_most, place)
        data = self._source.read_at(member.start, member.stored_bytes)
        if member.deflated:
            data = inflate(data, member.bytes, place)
        elif len(data) != member.bytes:
            raise ModelFileError("member_size", place, f"not {member.bytes} bytes, as declared")
        if zlib.crc32(data) != member.checksum:
            raise ModelFileError("member_checksum", place, "the content is damaged")
        return data

    def _beginning(self, member: Member, count: int, place: str) -> bytes:
        # Deflated data is a little longer than its content at worst.
        stored = min(member.stored_bytes, count + count // 1000 + 64)
        data = self._source.read_at(member.start, stored)
        return _decompress(data, count, place)[0] if member.deflated else data[:count]


@contextmanager
def open_archive(source: Readable, name: str = "") -> Iterator[Archive]:
    """Open a zip archive, check all of it but the members' contents, and close it afterwards.

    Args:
        source: a path, the bytes, or an open file.
        name: what messages call it; the path unless given.

    Raises:
        ModelFileError: see ``fastrnn.formats.error_codes`` for the rules and their codes.
        FileNotFoundError: there is no such file.

    >>> import io, zipfile
    >>> file = io.BytesIO()
    >>> with zipfile.ZipFile(file, "w") as writer:
    ...     writer.writestr("config.json", "{}")
    >>> with open_archive(file.getvalue()) as archive:
    ...     archive.names, archive.read("config.json")
    (('config.json',), b'{}')
    """
    with open_source(source, name) as opened:
        directory = _find_directory(opened)
        entries = _read_directory(opened, directory)
        check_names([entry.orig_filename for entry in entries], opened.name)
        for entry in entries:
            _check_entry(entry, f"{opened.name}, {entry.orig_filename}")
        _check_sizes(entries, opened)
        yield Archive(opened, _locate(entries, opened, directory.start))


def check_names(names: Iterable[str], source: str) -> None:
    """Check names of members: plain relative paths, each once, on every system.

    Raises:
        ModelFileError: ``member_name`` or ``member_duplicate``.
    """
    seen: dict[str, str] = {}
    for name in names:
        if problem := _problem_of_name(name):
            place = f"{source}, member {name[: limits.NAME_CHARACTERS]!r}"
            raise ModelFileError("member_name", place, problem)
        key = unicodedata.normalize("NFKC", name).casefold()
        if key in seen:
            message = f"{seen[key]!r} and {name!r} are the same name on some systems"
            raise ModelFileError("member_duplicate", source, message)
        seen[key] = name


def _problem_of_name(name: str) -> str:
    if len(name) > limits.NAME_CHARACTERS:
        return f"longer than {limits.NAME_CHARACTERS} characters"
    if any(unicodedata.category(character)[0] == "C" for character in name):
        return "control characters"
    if set(name) & set('\\:*?"<>|') or _ESCAPED.search(name):
        return "characters that are not part of plain names"
    for part in name.split("/"):
        if part in ("", ".", "..") or part[-1] in ". ":
            return "an absolute path, a folder, or one that leads elsewhere"
        if _RESERVED.fullmatch(part):
            return "a name of a device"
    return ""


@dataclass(frozen=True)
class _Directory:
    """The list of members: where it stands, and how many it has."""

    start: int
    bytes: int
    count: int


def _find_directory(source: Source) -> _Directory:
    """Read the end record, which must be the last bytes of the file."""
    end = source.size - _END.size
    record = source.read_at(end, _END.size) if end >= 0 else b""
    if not record.startswith(b"PK\5\6"):
        before = max(0, end - 70_000)  # farther than a comment reaches
        if end > 0 and b"PK\5\6" in source.read_at(before, end + 3 - before):
            raise ModelFileError("zip_outside", source.name, "data after the archive")
        raise ModelFileError("not_a_zip", source.name, "no zip archive, or its end is cut off")
    _, *disks, count_here, count, length, start, comment = _END.unpack(record)
    values = (*disks, count_here, count, length, start)
    locator = source.read_at(end - _LOCATOR.size, _LOCATOR.size) if end >= _LOCATOR.size else b""
    if locator.startswith(b"PK\6\7"):
        end, values = _read_end64(source, end, locator, values)
    if comment or values[0] or values[1] or values[2] != values[3]:
        raise ModelFileError("zip_contradiction", source.name, "an end record of another kind")
    _, _, _, count, length, start = values
    if count > limits.MEMBERS or length > limits.DIRECTORY_BYTES:
        message = f"more than {limits.MEMBERS} members, or too long names"
        raise ModelFileError("zip_too_many", source.name, message)
    if start + length != end:
        reason = "zip_outside" if start + length < end else "zip_contradiction"
        raise ModelFileError(reason, source.name, "the directory does not end where it must")
    return _Directory(start, length, count)


def _read_end64(
    source: Source, end: int, locator: bytes, values: tuple[int, ...]
) -> tuple[int, tuple[int, ...]]:
    """Return the start and the values of the 64-bit end record, which must repeat ``values``."""
    position = end - _LOCATOR.size - _END64.size
    record = source.read_at(position, _END64.size) if position >= 0 else b""
    if len(record) == _END64.size and record.startswith(b"PK\6\6"):
        _, length, _, _, *wide = _END64.unpack(record)
        _, disk, offset, disks = _LOCATOR.unpack(locator)
        full = (_FULL_16, _FULL_16, _FULL_16, _FULL_16, _FULL_32, _FULL_32)
        agree = all(
            narrow in (value, limit)
            for narrow, value, limit in zip(values, wide, full, strict=True)
        )
        if agree and (length, disk, offset, disks) == (_END64.size - 12, 0, position, 1):
            return position, tuple(wide)
    raise ModelFileError("zip_contradiction", source.name, "the 64-bit end record does not fit")


def _read_directory(source: Source, directory: _Directory) -> list[zipfile.ZipInfo]:
    try:
        entries = zipfile.ZipFile(source.file).infolist()
    except (
        zipfile.BadZipFile,
        NotImplementedError,  # of a newer version
        EOFError,
        OSError,
        OverflowError,
        ValueError,  # also of texts that are not UTF-8
        struct.error,
    ) as error:
        raise ModelFileError("not_a_zip", source.name, "the directory is damaged") from error
    if len(entries) != directory.count:
        message = f"{len(entries)} members, where the end record says {directory.count}"
        raise ModelFileError("zip_contradiction", source.name, message)
    return sorted(entries, key=lambda entry: entry.header_offset)


def _check_entry(entry: zipfile.ZipInfo, place: str) -> None:
    """Check what the directory says of a member, but for its name and place."""
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise ModelFileError("member_kind", place, "no regular file")
    if entry.flag_bits & _ENCRYPTED:
        raise ModelFileError("member_encrypted", place, "members must not be encrypted")
    if entry.compress_type not in _COMPRESSIONS:
        message = f"compression method {entry.compress_type}, neither stored nor deflated"
        raise ModelFileError("member_compression", place, message)
    if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
        raise ModelFileError("member_size", place, "a stored member with two sizes")


def _check_sizes(entries: list[zipfile.ZipInfo], source: Source) -> None:
    total = sum(entry.file_size for entry in entries)
    check_inflated(total, source.size, source.name)


def check_inflated(total: int, file_bytes: int, source: str) -> None:
    """Check how many bytes come out of a file, or raise ``compression_bomb``."""
    if total > limits.inflated_bytes(file_bytes):
        message = f"{file_bytes} bytes that declare a content of {total} bytes"
        raise ModelFileError("compression_bomb", source, message)


def _locate(entries: list[zipfile.ZipInfo], source: Source, end: int) -> dict[str, Member]:
    """Return the members, after a look at the header before each; they must fill the file."""
    starts = [entry.header_offset for entry in entries] + [end]
    if starts[0] != 0:
        raise ModelFileError("zip_outside", source.name, "data before the first member")
    members = {}
    for entry, after in zip(entries, starts[1:], strict=True):
        name = entry.orig_filename
        place = f"{source.name}, {name}"
        start = _check_local_header(entry, source, place)
        gap = after - start - entry.compress_size
        if gap < 0:
            raise ModelFileError("zip_overlap", place, "reaches into what comes behind it")
        if entry.flag_bits & _DESCRIPTOR_FOLLOWS:
            descriptor = source.read_at(after - gap, min(gap, 24))
            if gap > 24 or descriptor not in _descriptors(entry):
                raise ModelFileError("zip_contradiction", place, "another size behind the data")
        elif gap:
            raise ModelFileError("zip_outside", place, f"{gap} bytes of no member behind it")
        members[name] = Member(
            name,
            start,
            entry.compress_size,
            entry.file_size,
            entry.CRC,
            entry.compress_type == zipfile.ZIP_DEFLATED,
        )
    return members


def _check_local_header(entry: zipfile.ZipInfo, source: Source, place: str) -> int:
    """Compare the header before a member with the directory; return where its data starts."""
    header = source.read_at(entry.header_offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
        raise ModelFileError("zip_contradiction", place, "no header before the data")
    _, _, flags, method, _, _, checksum, stored, size, name_length, extra_length = _LOCAL.unpack(
        header
    )
    tail = source.read_at(entry.header_offset + _LOCAL.size, name_length + extra_length)
    name, extra = tail[:name_length], tail[name_length:]
    found = [checksum, stored, size]
    if stored == _FULL_32 or size == _FULL_32:
        found[1:] = _wide_sizes(extra)
    expected = [[entry.CRC, entry.compress_size, entry.file_size]]
    if flags & _DESCRIPTOR_FOLLOWS:
        expected.append([0, 0, 0])
    encoding = "utf-8" if flags & 0x800 else "cp437"
    same_name = name == entry.orig_filename.encode(encoding, "replace")
    same_method = (flags, method) == (entry.flag_bits, entry.compress_type)
    if not (same_name and same_method and found in expected):
        raise ModelFileError("zip_contradiction", place, "its header and the directory differ")
    return entry.header_offset + _LOCAL.size + name_length + extra_length


def _wide_sizes(extra: bytes) -> list[int]:
    """Return the stored and the full size of the 64-bit field; -1 where there is none."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1 and length >= 16 and len(extra) >= 20:
            size, stored = struct.unpack_from("<2Q", extra, 4)
            return [stored, size]
        extra = extra[4 + length :]
    return [-1, -1]


def _descriptors(entry: zipfile.ZipInfo) -> list[bytes]:
    """Return the forms of the record that may follow a member's data."""
    values = (entry.CRC, entry.compress_size, entry.file_size)
    wide = [struct.pack("<LQQ", *values)]
    narrow = [struct.pack("<3L", *values)] if max(values) <= _FULL_32 else []
    return [mark + form for form in wide + narrow for mark in (b"", b"PK\7\10")]


def inflate(data: bytes, size: int, place: str, window_bits: int = -zlib.MAX_WBITS) -> bytes:
    """Return what ``data`` inflates to, which must be ``size`` bytes; stops one byte beyond.

    Raises:
        ModelFileError: ``member_size``: more or less comes out, or the data is damaged.
    """
    inflated, decompressor = _decompress(data, size + 1, place, window_bits)
    if len(inflated) != size or not decompressor.eof or decompressor.unused_data:
        raise ModelFileError("member_size", place, f"does not inflate to {size} bytes, as declared")
    return inflated


def _decompress(
    data: bytes, at_most: int, place: str, window_bits: int = -zlib.MAX_WBITS
) -> tuple[bytes, Any]:
    """Return the first bytes that ``data`` inflates to, and the decompressor behind them."""
    decompressor = zlib.decompressobj(window_bits)
    try:
        return decompressor.decompress(data, at_most), decompressor
    except zlib.error as error:
        raise ModelFileError("member_size", place, "the compressed data is damaged") from error


_DATE = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


def write_member(writer: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    """Write a member of an archive."""
    writer.writestr(zipfile.ZipInfo(name, _DATE), content)
