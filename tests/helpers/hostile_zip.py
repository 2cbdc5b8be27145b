"""Hostile zip archives, NumPy arrays and JSON texts, each with the rule that it breaks."""

import io
import stat
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Entry:
    """A member as it is written, lies included; sizes and checksum unless given are right."""

    name: str = "a"
    content: bytes = b"content"
    method: int = 0
    flags: int = 0x800
    declared: dict[str, int] = field(default_factory=dict)  # in both headers
    local: dict[str, Any] = field(default_factory=dict)  # in the header before the data alone
    mode: int = 0
    gap: bytes = b""

    @cached_property
    def data(self):
        if self.method != zipfile.ZIP_DEFLATED:
            return self.content
        compressor = zlib.compressobj(wbits=-15)
        return compressor.compress(self.content) + compressor.flush()

    @property
    def fields(self):
        right = {
            "name": self.name.encode(),
            "flags": self.flags,
            "method": self.method,
            "checksum": zlib.crc32(self.content),
            "stored": len(self.data),
            "size": len(self.content),
            "extra": b"",
        }
        return right | self.declared

    def local_header(self):
        v = self.fields | self.local
        numbers = (20, v["flags"], v["method"], 0, 0, v["checksum"], v["stored"], v["size"])
        lengths = (len(v["name"]), len(v["extra"]))
        return struct.pack("<4s5H3L2H", b"PK\3\4", *numbers, *lengths) + v["name"] + v["extra"]

    def directory_entry(self, offset):
        v = self.fields
        numbers = (20, 20, v["flags"], v["method"], 0, 0, v["checksum"], v["stored"], v["size"])
        rest = (len(v["name"]), 0, 0, 0, 0, self.mode << 16, offset)
        return struct.pack("<4s6H3L5H2L", b"PK\1\2", *numbers, *rest) + v["name"]


def end_record(count, length, start, comment=b""):
    numbers = (0, 0, count, count, length, start, len(comment))
    return struct.pack("<4s4H2LH", b"PK\5\6", *numbers) + comment


def zip_of(*entries, between=b"", count=None, end=end_record):
    body, directory = bytearray(), bytearray()
    for entry in entries:
        directory += entry.directory_entry(len(body))
        body += entry.local_header() + entry.data + entry.gap
    body += between
    number = len(entries) if count is None else count
    return bytes(body + directory + end(number, len(directory), len(body)))


def end64(lies, count, length, start):
    v = {"count": count, "start": start, "offset": start + length, "disks": 1} | lies
    numbers = (44, 45, 45, 0, 0, v["count"], v["count"], length, v["start"])
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", *numbers)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, v["offset"], v["disks"])
    return record + locator + end_record(0xFFFF, length, 0xFFFFFFFF)


def many(count):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as writer:
            for index in range(count):
                writer.writestr(f"{index}", b"")
        return file.getvalue()


def overlapping():
    """The data of one member holds another member with its header: "quoted overlap"."""
    inner = Entry("inner")
    hidden = inner.local_header() + inner.data
    outer = Entry("outer", hidden)
    start = len(outer.local_header())
    body = outer.local_header() + hidden
    directory = outer.directory_entry(0) + inner.directory_entry(start)
    return body + directory + end_record(2, len(directory), len(body))


def npy(array=None, header=None, data=None, version=(1, 0), **options):
    """An array in NumPy's format, with another header or other data where given."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.arange(6.0) if array is None else array, **options)
    whole = file.getvalue()
    length = struct.unpack_from("<H", whole, 8)[0]
    text = whole[10 : 10 + length] if header is None else header.encode("latin-1")
    values = whole[10 + length :] if data is None else data
    form = "<H" if version == (1, 0) else "<L"
    return b"\x93NUMPY" + bytes(version) + struct.pack(form, len(text)) + text + values


def header(descr="'<f8'", fortran="False", shape="(6,)"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


NAMES = [
    "/etc/passwd",
    "C:/a",
    "C:a",
    "//server/share",
    "\\\\server\\share",
    "../a",
    "a/../../b",
    "a\\..\\b",
    "a/./b",
    "a//b",
    "a/",
    "%2e%2e/a",
    "a%00b",
    "a\0b",
    "a\nb",
    "a\x1b[2Jb",
    "a\u202eb",
    "a.",
    "a ",
    "CON",
    "aux.npy",
    "b/nul.txt",
    "lpt1/a",
    "a?b",
    "a" * 600,
    "",
]
DEFLATE = zipfile.ZIP_DEFLATED
LARGE = bytes(40 << 20)
FALSE_LOCAL = [
    {"name": b"b"},
    {"method": DEFLATE},
    {"size": 3},
    {"checksum": 3},
    {"flags": 0},
    {"stored": 0xFFFFFFFF, "size": 0xFFFFFFFF},
    {"size": 0xFFFFFFFF, "extra": struct.pack("<2H2Q", 1, 16, 2**40, 7)},
    {"size": 0xFFFFFFFF, "extra": b"\1\0\xff"},
]

# Reason, and how to make the file; numbers are those of the list of cases.
ZIPS = {
    **{
        f"12 name {name[:20]!r}": ("member_name", lambda n=name: zip_of(Entry(n))) for name in NAMES
    },
    "13 symbolic link": ("member_kind", lambda: zip_of(Entry(mode=stat.S_IFLNK | 0o777))),
    "13 device": ("member_kind", lambda: zip_of(Entry(mode=stat.S_IFCHR | 0o666))),
    "13 folder": ("member_kind", lambda: zip_of(Entry(mode=stat.S_IFDIR | 0o777))),
    "14 twice": ("member_duplicate", lambda: zip_of(Entry("config.json"), Entry("config.json"))),
    "14 case": ("member_duplicate", lambda: zip_of(Entry("config.json"), Entry("Config.JSON"))),
    "14 ligature": (
        "member_duplicate",
        lambda: zip_of(Entry("fi"), Entry("\N{LATIN SMALL LIGATURE FI}")),
    ),
    "15 quoted": ("zip_overlap", overlapping),
    "15 reaches into the directory": (
        "zip_overlap",
        lambda: zip_of(Entry(declared={"stored": 99, "size": 99})),
    ),
    "16 declared bomb": ("compression_bomb", lambda: zip_of(Entry(content=LARGE, method=DEFLATE))),
    "16 many small": (
        "compression_bomb",
        lambda: zip_of(*(Entry(str(i), bytes(1 << 20), DEFLATE) for i in range(40))),
    ),
    "16 inflates to more": (
        "member_size",
        lambda: zip_of(Entry(content=LARGE, method=DEFLATE, declared={"size": 100})),
    ),
    "16 inflates to less": (
        "member_size",
        lambda: zip_of(Entry(method=DEFLATE, declared={"size": 100})),
    ),
    "16 declared beyond all": (
        "compression_bomb",
        lambda: zip_of(Entry(method=DEFLATE, declared={"size": 2**32 - 2})),
    ),
    "16 stored with two sizes": ("member_size", lambda: zip_of(Entry(declared={"size": 8}))),
    "16 no deflated data": (
        "member_size",
        lambda: zip_of(Entry(content=b"\xff" * 50, declared={"method": DEFLATE})),
    ),
    "17 members": ("zip_too_many", lambda: many(10_001)),
    "17 names": (
        "zip_too_many",
        lambda: zip_of(*(Entry(f"{i}" + "a" * 400) for i in range(9000))),
    ),
    "17 encrypted": ("member_encrypted", lambda: zip_of(Entry(flags=0x801))),
    "17 strongly encrypted": ("member_encrypted", lambda: zip_of(Entry(flags=0x841))),
    "17 bzip2": ("member_compression", lambda: zip_of(Entry(method=12))),
    "17 method 99": ("member_compression", lambda: zip_of(Entry(method=99))),
    **{
        f"17 local header {lie}": ("zip_contradiction", lambda v=lie: zip_of(Entry(local=v)))
        for lie in FALSE_LOCAL
    },
    "17 no local header": (
        "zip_contradiction",
        lambda: zip_of(Entry()).replace(b"PK\3\4", b"PK\3\5"),
    ),
    "17 data before": ("zip_outside", lambda: b"#!/bin/sh\n" + zip_of(Entry())),
    "17 data before, offsets moved": ("zip_outside", lambda: moved(10)),
    "17 data behind": ("zip_outside", lambda: zip_of(Entry()) + b"more"),
    "17 data between": ("zip_outside", lambda: zip_of(Entry(gap=b"hidden"), Entry("b"))),
    "17 data before the directory": ("zip_outside", lambda: zip_of(Entry(), between=b"hidden")),
    "17 comment": ("zip_outside", lambda: zip_of(Entry(), end=with_comment)),
    "17 descriptor": (
        "zip_contradiction",
        lambda: zip_of(Entry(flags=0x808, gap=struct.pack("<3L", 1, 7, 7))),
    ),
    "17 count": ("zip_contradiction", lambda: zip_of(Entry(), count=2)),
    "17 disks": (
        "zip_contradiction",
        lambda: zip_of(Entry(), end=lambda *v: b"PK\5\6\1\0" + end_record(*v)[6:]),
    ),
    "17 directory too early": (
        "zip_contradiction",
        lambda: zip_of(Entry(), end=lambda n, size, start: end_record(n, size, start + 5)),
    ),
    "17 directory damaged": (
        "not_a_zip",
        lambda: zip_of(Entry()).replace(b"PK\1\2", b"PK\1\3"),
    ),
    "17 name no UTF-8": ("not_a_zip", lambda: zip_of(Entry(declared={"name": b"\xff\xfe"}))),
    **{
        f"17 zip64 {lie}": (
            "zip_contradiction",
            lambda v=lie: zip_of(Entry(), end=lambda *numbers: end64(v, *numbers)),
        )
        for lie in ({"count": 2}, {"start": 2**60}, {"offset": 3}, {"disks": 2})
    },
    "34 checksum": ("member_checksum", lambda: zip_of(Entry(declared={"checksum": 1}))),
    "34 content": (
        "member_checksum",
        lambda: zip_of(Entry(content=b"weights")).replace(b"weights", b"weighty"),
    ),
    "34 behind thousands of members": (
        "member_checksum",
        lambda: zip_of(*(Entry(str(i)) for i in range(9999)), Entry(declared={"checksum": 1})),
    ),
    "34 cut off": ("not_a_zip", lambda: zip_of(Entry())[:-1]),
    "empty file": ("not_a_zip", lambda: b""),
    "pickle": ("not_a_zip", lambda: b"\x80\x04cos\nsystem\n(S'id'\ntR."),
}


def with_comment(*numbers):
    return end_record(*numbers, comment=b"PK")


def moved(count):
    """An archive behind ``count`` bytes that its offsets do not know of."""
    whole = zip_of(Entry())
    start = whole.index(b"PK\1\2")
    directory, end = whole[start:-22], start + count
    offset = struct.pack("<L", count)
    directory = directory[:42] + offset + directory[46:]
    return bytes(count) + whole[:start] + directory + end_record(1, len(directory), end)


JSONS = {
    "27 depth": ("json_depth", lambda: b"[" * 65 + b"]" * 65),
    "27 depth of objects": ("json_depth", lambda: b'{"a":' * 80 + b"1" + b"}" * 80),
    "27 very deep": ("json_depth", lambda: b"[" * 100_000 + b"]" * 100_000),
    **{
        f"27 number {text[:12]}": ("json_number", lambda t=text: f'{{"units": {t}}}'.encode())
        for text in (
            "1e400",
            "-1e400",
            "NaN",
            "Infinity",
            "-Infinity",
            "9" * 1_000_000,
            "-" + "9" * 20,
            str(2**63),
        )
    },
    "27 key twice": ("json_key", lambda: b'{"units": 1, "units": 2}'),
    "27 key twice, escaped": ("json_key", lambda: b'{"units": 1, "unit\\u0073": 2}'),
    "11 class": ("json_key", lambda: b'[{"__class__": 1}]'),
    "11 dict": ("json_key", lambda: b'{"a": {"__dict__": {}}}'),
    "27 surrogate": ("json_surrogate", lambda: b'["\\ud800"]'),
    "27 surrogate key": ("json_surrogate", lambda: b'{"a": {"\\udfff": 1}}'),
    "27 mark": ("json_text", lambda: b"\xef\xbb\xbf{}"),
    "27 UTF-16": ("json_text", lambda: "{}".encode("utf-16")),
    "27 no UTF-8": ("json_text", lambda: b'["\xff"]'),
    "27 nested zip": ("json_text", lambda: zip_of(Entry(content=b"\xff\xfe"))),
    "27 long": ("json_size", lambda: b'["' + b"a" * (16 << 20) + b'"]'),
    "27 values": ("json_size", lambda: b"[" + b"[]," * 1_000_000 + b"0]"),
    "27 objects": ("json_size", lambda: b"[" + b'{"":0},' * 1_000_000 + b"0]"),
    "27 number behind a long text": (
        "json_number",
        lambda: '["\N{GRINNING FACE}'.encode() + b"a" * (7 << 20) + b'", NaN]',
    ),
    "27 number behind many objects": ("json_number", lambda: b"[" + b'{"":0},' * 130_000 + b"NaN]"),
    "27 surrogate behind many lists": (
        "json_surrogate",
        lambda: b"[" + (b"[" * 63 + b"]" * 63 + b",") * 5000 + b'"\\udfff"]',
    ),
    "27 half": ("not_json", lambda: b'{"units": '),
    "27 empty": ("not_json", lambda: b""),
    "27 more": ("not_json", lambda: b"{} {}"),
    "27 control character": ("not_json", lambda: b'["a\nb"]'),
}

NPYS = {
    "9 objects": ("npy_dtype", lambda: npy(np.array([{}, print]))),
    "25 structured": ("npy_dtype", lambda: npy(np.zeros(3, [("a", "f4"), ("b", "i4")]))),
    "25 texts": ("npy_dtype", lambda: npy(np.array(["a"]))),
    "25 dates": ("npy_dtype", lambda: npy(np.zeros(3, "M8[s]"))),
    "25 complex": ("npy_dtype", lambda: npy(np.zeros(3, complex))),
    "25 subarray": ("npy_dtype", lambda: npy(header=header("('<f8', (2,))"))),
    "25 code": ("npy_dtype", lambda: npy(header=header("__import__('os').system('id')"))),
    "25 long header": ("npy_header", lambda: npy(header=header() + " " * 10_000)),
    "25 header of 4 GB": ("npy_header", lambda: b"\x93NUMPY\2\0\xff\xff\xff\xff"),
    "25 version": ("npy_header", lambda: npy(version=(4, 0))),
    "25 other keys": ("npy_header", lambda: npy(header="{'descr': '<f8', 'evil': 1}")),
    "25 deep": ("npy_header", lambda: npy(header="(" * 5000)),
    "25 negative": ("npy_header", lambda: npy(header=header(shape="(-1,)"))),
    "25 float": ("npy_header", lambda: npy(header=header(shape="(6.0,)"))),
    "25 cut off": ("npy_header", lambda: npy()[:40]),
    "25 magic alone": ("npy_header", lambda: b"\x93NUMPY\1\0\1"),
    "25 no array": ("npy_header", lambda: b"\x80\x04cos\nsystem\n"),
    "25 huge": ("npy_shape", lambda: npy(header=header(shape=f"({2**62},)"))),
    "25 overflow": ("npy_shape", lambda: npy(header=header(shape=f"({2**30}, {2**30}, 16)"))),
    "25 zero times huge": ("npy_shape", lambda: npy(header=header(shape=f"(0, {2**30}, {2**30})"))),
    "25 many axes": ("npy_shape", lambda: npy(header=header(shape=f"({'1, ' * 40})"))),
    "25 long number": ("npy_shape", lambda: npy(header=header(shape=f"({'9' * 5000},)"))),
    "25 shorter": ("npy_length", lambda: npy()[:-1]),
    "25 longer": ("npy_length", lambda: npy() + b"\0"),
    "25 declared 8 GB": ("npy_length", lambda: npy(header=header(shape="(1000000000,)"))),
}
