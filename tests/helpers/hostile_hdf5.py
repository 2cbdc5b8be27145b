"""Hostile HDF5 files, each with the rule that it breaks."""

import io
import struct
import zlib

import h5py
import numpy as np


def hdf5(fill, **options):
    file = io.BytesIO()
    with h5py.File(file, "w", **options) as root:
        fill(root)
    return file.getvalue()


def weights(root):
    group = root.create_group("layers/dense/vars")
    group["0"] = np.arange(6, dtype="float32").reshape(2, 3)
    group["1"] = np.arange(3, dtype="float32")
    root.attrs["keras_version"] = "3.15.0"


def nested(depth):
    return lambda root: root.create_group("/".join("a" * depth))


def cycle(root):
    root.create_group("a/b")
    root["a/b/c"] = root["a"]


def twice(root):
    root["a"] = np.zeros(3)
    root["b"] = root["a"]


def virtual(root):
    root["source"] = np.zeros(4)
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(root["source"])
    root.create_virtual_dataset("vars", layout)


def virtual_elsewhere(root):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    root.create_virtual_dataset("vars", layout)


def with_filter(code):
    def fill(root):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4,))
        plan.set_filter(code, h5py.h5z.FLAG_OPTIONAL)
        h5py.h5d.create(root.id, b"a", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4,)), plan)

    return fill


def chunk(data, **options):
    """A dataset of one gzip chunk, whose bytes are ``data``."""

    def fill(root):
        dataset = root.create_dataset("a", (10,), "f4", chunks=(10,), compression="gzip", **options)
        dataset.id.write_direct_chunk((0,), data)

    return fill


def late_link(root):
    """As many objects as a file may have, and the last is a link."""
    for index in range(4990):
        root[f"{index}"] = 1.0
    root["z"] = h5py.SoftLink("/0")


def bomb(root):
    """Chunks that are truly 4 MB of zeros each, and a few kB in the file."""
    data = zlib.compress(bytes(4 << 20), 9)
    dataset = root.create_dataset("a", (50 << 20,), "f4", chunks=(1 << 20,), compression="gzip")
    for index in range(50):
        dataset.id.write_direct_chunk((index << 20,), data)


def raw_type(kind, count=3):
    def fill(root):
        h5py.h5d.create(root.id, b"a", kind, h5py.h5s.create_simple((count,)))

    return fill


def odd_float():
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(31, 20, 11, 0, 20)
    return kind


def bad_name(name):
    return lambda root: h5py.h5g.create(root.id, name)


def attribute(value, **options):
    return lambda root: root.attrs.create("a", value, **options)


def lists(root):
    value = np.empty(1, object)
    value[0] = np.arange(3, dtype="i4")
    root.attrs.create("a", value, dtype=h5py.vlen_dtype("i4"))


def repeated_text():
    """A thousand texts that are all the same long one."""
    long, names = "a" * (1 << 20), ["b"] * 1000
    data = hdf5(lambda root: root.attrs.update({"long": long, "names": names}))
    reference = data.index(struct.pack("<L", len(long)))
    first = data.index(struct.pack("<L", 1), data.index(b"names\0") + 60)
    return data[:first] + data[reference : reference + 16] * 1000 + data[first + 16_000 :]


def declared_length():
    """A text of four letters that declares four billion: the library reserves them."""
    data = hdf5(attribute("text"))
    position = data.index(struct.pack("<L", 4), data.index(b"a\0") + 40)
    return data[:position] + b"\xff" * 4 + data[position + 4 :]


def endless_heap():
    """The library reads the entries of a heap for ever, where free space has no length."""
    data = hdf5(attribute("text"))
    entry = data.index(b"GCOL") + 16 + 24
    return data[:entry] + bytes(16) + data[entry + 16 :]


def endless_heap_of_a_virtual_dataset():
    """The same where the library follows the heap as soon as the dataset is opened."""
    data = hdf5(virtual)
    entry = data.index(b"GCOL") + 16
    return data[:entry] + bytes(16) + data[entry + 16 :]


def filtered_heap():
    """The heap of a group's names says that it is compressed."""
    data = hdf5(lambda root: [root.create_group(str(i)) for i in range(20)], libver="latest")
    place = data.index(b"FRHP") + 7
    return data[:place] + struct.pack("<H", 16) + data[place + 2 :]


def many_names():
    """Each name of an attribute with a text must be looked for in the whole file."""

    def fill(root):
        for k in range(40):
            root.create_group(f"{k}").attrs[f"b{k}"] = "text"

    return hdf5(fill)


def many_heaps():
    """Each entry of a heap is the beginning of another heap, and all reach to the end."""
    data = hdf5(attribute("text"))
    count = 20_000  # entries, from which as many heaps of half the length begin
    entry = struct.pack("<H6xQ", 1, 16) + struct.pack("<5s3xQ", b"GCOL\1", count * 32 + 16)
    return data + entry * 2 * count


def patched(data, place, form, *values):
    return data[:place] + struct.pack(form, *values) + data[place + struct.calcsize(form) :]


def ring_of_free_names():
    """The library collects the free places of a heap for ever, and takes memory for each."""
    data = hdf5(weights)
    first, begin = struct.unpack_from("<QQ", data, data.index(b"HEAP") + 16)
    return patched(data, begin + first, "<Q", first)


def ring_of_nodes():
    """The library goes from one node of a group's tree to the next for ever."""
    data = hdf5(weights)
    node = data.index(b"TREE\0")
    return patched(data, node + 16, "<Q", node)


def node_below_itself():
    """The library goes down a group's tree until its stack is full."""
    data = hdf5(weights)
    node = data.index(b"TREE\0")
    return patched(patched(data, node + 5, "<B", 1), node + 32, "<Q", node)


def huge_letters():
    """The letters of a text are of a type of four billion bytes."""
    data = hdf5(attribute("text"))
    return patched(data, data.index(b"\x19\1", data.index(b"a\0")) + 12, "<L", 0xFFFFFF00)


HDF5S = {
    "18 soft link": (
        "hdf5_link",
        lambda: hdf5(lambda root: root.__setitem__("vars", h5py.SoftLink("/etc"))),
    ),
    "18 soft link to a group": (
        "hdf5_link",
        lambda: hdf5(lambda r: (r.create_group("a"), r.__setitem__("b", h5py.SoftLink("/a")))),
    ),
    "18 external link": (
        "hdf5_link",
        lambda: hdf5(
            lambda root: root.__setitem__("model_weights", h5py.ExternalLink("/etc/x", "/a"))
        ),
    ),
    "18 soft link behind thousands of datasets": ("hdf5_link", lambda: hdf5(late_link)),
    "19 external storage": (
        "hdf5_external",
        lambda: hdf5(lambda r: r.create_dataset("a", (9,), "u1", external=[("/etc/passwd", 0, 9)])),
    ),
    "20 virtual": ("hdf5_virtual", lambda: hdf5(virtual)),
    "20 virtual, of another file": ("hdf5_virtual", lambda: hdf5(virtual_elsewhere)),
    "21 shape bomb": (
        "hdf5_storage",
        lambda: hdf5(lambda r: r.create_dataset("a", (2**30, 2**14), "f4")),
    ),
    "21 overflowing shape": (
        "hdf5_storage",
        lambda: hdf5(lambda r: r.create_dataset("a", (2**40,) * 2, "f4", chunks=(9, 9))),
    ),
    "21 chunked shape bomb": (
        "hdf5_chunks",
        lambda: hdf5(lambda r: r.create_dataset("a", (2**30, 2**14), "f4", chunks=(9, 9))),
    ),
    "21 many axes": (
        "hdf5_storage",
        lambda: hdf5(lambda root: root.create_dataset("a", data=np.zeros((1,) * 20))),
    ),
    "22 lzf": (
        "hdf5_filter",
        lambda: hdf5(lambda r: r.create_dataset("a", data=np.zeros(9), compression="lzf")),
    ),
    "22 scale and offset": (
        "hdf5_filter",
        lambda: hdf5(lambda r: r.create_dataset("a", data=np.zeros(9, "i4"), scaleoffset=0)),
    ),
    "22 checksum": (
        "hdf5_filter",
        lambda: hdf5(lambda r: r.create_dataset("a", data=np.zeros(9), fletcher32=True)),
    ),
    "22 plugin": ("hdf5_filter", lambda: hdf5(with_filter(32015))),
    "22 chunk inflates to more": (
        "hdf5_chunks",
        lambda: hdf5(chunk(zlib.compress(bytes(99 << 20)))),
    ),
    "22 chunk inflates to less": ("hdf5_chunks", lambda: hdf5(chunk(zlib.compress(bytes(39))))),
    "22 chunk damaged": ("hdf5_chunks", lambda: hdf5(chunk(b"no zlib"))),
    "22 chunk larger than its array": (
        "hdf5_chunks",
        lambda: hdf5(
            lambda r: r.create_dataset("a", (2,), "f4", chunks=(10**8,), maxshape=(None,))
        ),
    ),
    "22 many chunks": (
        "hdf5_chunks",
        lambda: hdf5(lambda r: r.create_dataset("a", (10**6,), "f4", chunks=(9,))),
    ),
    "22 bomb of zeros": ("compression_bomb", lambda: hdf5(bomb)),
    "22 fill value alone": (
        "hdf5_storage",
        lambda: hdf5(lambda r: r.create_dataset("a", (9,), "f4", fillvalue=1.0)),
    ),
    "22 fill value in chunks": (
        "hdf5_storage",
        lambda: hdf5(lambda r: r.create_dataset("a", (9,), "f4", chunks=(9,))),
    ),
    "22 no values": (
        "hdf5_storage",
        lambda: hdf5(lambda root: root.create_dataset("a", data=h5py.Empty("f4"))),
    ),
    "23 cycle": ("hdf5_shared", lambda: hdf5(cycle)),
    "23 cycle to the root": (
        "hdf5_shared",
        lambda: hdf5(lambda root: root.__setitem__("a", root)),
    ),
    "23 two names": ("hdf5_shared", lambda: hdf5(twice)),
    "23 depth": ("hdf5_depth", lambda: hdf5(nested(33))),
    "23 great depth": ("hdf5_depth", lambda: hdf5(nested(2000))),
    "23 groups": (
        "hdf5_too_many",
        lambda: hdf5(lambda root: [root.create_group(str(i)) for i in range(10_001)]),
    ),
    "23 attributes": (
        "hdf5_too_many",
        lambda: hdf5(
            lambda r: [r.attrs.__setitem__(str(i), 1) for i in range(10_001)], libver="latest"
        ),
    ),
    "23 large attribute": (
        "hdf5_attribute",
        lambda: hdf5(attribute(np.zeros(9 << 17)), libver="latest"),
    ),
    "23 long text": ("hdf5_attribute", lambda: hdf5(attribute("a" * (9 << 20)))),
    "23 repeated text": ("hdf5_attribute", repeated_text),
    "23 declared length of a text": ("hdf5_damaged", declared_length),
    "23 text among many attributes": (
        "hdf5_attribute",
        lambda: hdf5(
            lambda root: [root.attrs.__setitem__(str(i), "a") for i in range(20)], libver="latest"
        ),
    ),
    "24 endless heap": ("hdf5_damaged", endless_heap),
    "24 endless heap of a virtual dataset": ("hdf5_damaged", endless_heap_of_a_virtual_dataset),
    "24 ring of free names": ("hdf5_damaged", ring_of_free_names),
    "24 ring of nodes": ("hdf5_damaged", ring_of_nodes),
    "24 node below itself": ("hdf5_damaged", node_below_itself),
    "24 huge letters": ("hdf5_damaged", huge_letters),
    "24 addresses that count from elsewhere": (
        "hdf5_damaged",
        lambda: patched(hdf5(weights), 24, "<Q", 8),
    ),
    "24 many nodes": (
        "hdf5_too_many",
        lambda: hdf5(weights) + (b"TREE\0\1\xff\xff" + bytes(16)) * (1 << 16),
    ),
    "24 compressed heap of names": ("hdf5_filter", filtered_heap),
    "24 many names of texts": ("hdf5_attribute", many_names),
    "24 many false attributes": (
        "hdf5_too_many",
        lambda: hdf5(attribute("text")) + b"a\0" * (4 << 20),
    ),
    "24 many false heaps": ("hdf5_too_many", lambda: hdf5(weights) + b"GCOL\1\0\0\0" * (1 << 20)),
    "24 many false heaps of names": (
        "hdf5_too_many",
        lambda: hdf5(weights) + (b"FRHP" + bytes(8)) * (1 << 18),
    ),
    "24 heaps in heaps": ("hdf5_too_many", many_heaps),
    "23 text no UTF-8": ("hdf5_attribute", lambda: hdf5(attribute(np.bytes_(b"\xff")))),
    "23 attribute without a value": ("hdf5_attribute", lambda: hdf5(attribute(h5py.Empty("f4")))),
    "23 compound attribute": (
        "hdf5_attribute",
        lambda: hdf5(attribute(np.zeros((), [("a", "f4")]))),
    ),
    "23 reference attribute": (
        "hdf5_attribute",
        lambda: hdf5(lambda root: root.attrs.create("a", root.ref, dtype=h5py.ref_dtype)),
    ),
    "23 lists of variable length": (
        "hdf5_attribute",
        lambda: hdf5(lists),
    ),
    "23 compound": (
        "hdf5_dtype",
        lambda: hdf5(lambda r: r.create_dataset("a", data=np.zeros(3, [("a", "f4")]))),
    ),
    "23 references": (
        "hdf5_dtype",
        lambda: hdf5(lambda r: r.create_dataset("a", data=[r.ref], dtype=h5py.ref_dtype)),
    ),
    "23 opaque": (
        "hdf5_dtype",
        lambda: hdf5(lambda root: root.create_dataset("a", data=np.zeros(3, "V4"))),
    ),
    "23 bits": ("hdf5_dtype", lambda: hdf5(raw_type(h5py.h5t.STD_B32LE))),
    "23 truth values": (
        "hdf5_dtype",
        lambda: hdf5(lambda root: root.create_dataset("a", data=np.zeros(3, bool))),
    ),
    "23 complex": (
        "hdf5_dtype",
        lambda: hdf5(lambda root: root.create_dataset("a", data=np.zeros(3, complex))),
    ),
    "23 texts": (
        "hdf5_dtype",
        lambda: hdf5(lambda root: root.create_dataset("a", data=["a" * 9, "b"])),
    ),
    "23 floats of another format": ("hdf5_dtype", lambda: hdf5(raw_type(odd_float()))),
    "23 named type": (
        "hdf5_kind",
        lambda: hdf5(lambda root: root.__setitem__("a", np.dtype("f4"))),
    ),
    "32 name with a newline": ("hdf5_name", lambda: hdf5(bad_name(b"a\nlayer"))),
    "32 name with an escape": ("hdf5_name", lambda: hdf5(bad_name(b"a\x1b[2J"))),
    "32 name no UTF-8": ("hdf5_name", lambda: hdf5(bad_name(b"\xff"))),
    "32 long name": ("hdf5_name", lambda: hdf5(bad_name(b"a" * 5000))),
    "24 cut off": ("hdf5_damaged", lambda: hdf5(weights)[:-1]),
    "24 signature alone": ("hdf5_damaged", lambda: hdf5(weights)[:8]),
    "24 data before": ("not_hdf5", lambda: hdf5(weights, userblock_size=512)),
    "24 no HDF5": ("not_hdf5", lambda: b"PK\3\4"),
    "24 empty": ("not_hdf5", lambda: b""),
}
