"""Hostile files in the formats of other systems: what each breaks, and its bytes.

The numbers are those of the list of hostile files that the tests go by.
"""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
from onnx import TensorProto, helper

LARGE = 2**62


# ---- safetensors ----


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin=0, end=8, dtype="F32", shape=(2,), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


def one(**changes):
    return lambda: safetensors({"a": tensor(**changes)}, bytes(8))


def two(first, second, size=16):
    return lambda: safetensors({"a": tensor(*first), "b": tensor(*second)}, bytes(size))


TWICE = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' * 2
SAFETENSORS = {
    "26 header longer than 100 MB": ("safetensors_header", lambda: safetensors({}, length=2**27)),
    "26 header of 2**64 - 1": ("safetensors_header", lambda: safetensors({}, length=2**64 - 1)),
    "26 header longer than the file": ("safetensors_header", lambda: safetensors({}, length=3)),
    "26 header of nothing": ("safetensors_header", lambda: safetensors(b"")),
    "26 no file": ("safetensors_header", lambda: b""),
    "26 less than a length": ("safetensors_header", lambda: b"\1\0\0\0"),
    "26 a list": ("safetensors_header", lambda: safetensors([])),
    "26 a space first": ("safetensors_header", lambda: safetensors(b" {}")),
    "26 no JSON": ("not_json", lambda: safetensors(b"{]")),
    "26 no UTF-8": ("json_text", lambda: safetensors(b'{"\xff":1}')),
    "26 the same name twice": (
        "json_key",
        lambda: safetensors(TWICE[:-1].replace(b'},{"a"', b'},"a"') + b"}", bytes(8)),
    ),
    "26 metadata twice": (
        "json_key", lambda: safetensors(b'{"__metadata__":{},"__metadata__":{}}'),
    ),
    "11 a name like __class__": (
        "json_key", lambda: safetensors({"__class__": tensor()}, bytes(8)),
    ),
    "26 metadata of numbers": (
        "safetensors_header", lambda: safetensors({"__metadata__": {"a": 1}}),
    ),
    "26 metadata in a list": ("safetensors_header", lambda: safetensors({"__metadata__": []})),
    "27 nested deep": (
        "json_depth", lambda: safetensors(b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    ),
    "27 many values": (
        "json_size", lambda: safetensors(b'{"a":[' + b"1," * 500_000 + b"1]}"),
    ),
    "26 a hole": ("safetensors_places", two((0, 8), (12, 20), 20)),
    "26 a hole at the start": ("safetensors_places", two((4, 12), (12, 20), 20)),
    "26 an overlap": ("safetensors_places", two((0, 8), (4, 12), 12)),
    "26 the same place": ("safetensors_places", two((0, 8), (0, 8), 8)),
    "26 bytes behind": ("safetensors_places", two((0, 8), (8, 16), 17)),
    "26 past the end": ("safetensors_tensor", two((0, 8), (8, 16), 15)),
    "26 far past the end": ("safetensors_tensor", one(begin=2**40, end=2**40 + 8)),
    "26 backwards": ("safetensors_tensor", one(begin=8, end=0)),
    "26 negative": ("safetensors_tensor", one(begin=-8, end=0)),
    "26 fewer bytes than the shape": ("safetensors_tensor", one(shape=(3,))),
    "26 more bytes than the shape": ("safetensors_tensor", one(shape=(1,))),
    "26 another type than the bytes": ("safetensors_tensor", one(dtype="F64")),
    "26 a shape that overflows": ("safetensors_tensor", one(shape=(LARGE, 4, 2))),
    "26 a shape that overflows to 2": (
        "safetensors_tensor", one(shape=(2**33, 2**31, 2)),
    ),
    "26 a negative length": ("safetensors_tensor", one(shape=(-1, -2))),
    "26 a length that is true": ("safetensors_tensor", one(shape=(True, 2))),
    "26 a length that is 2.0": ("safetensors_tensor", one(shape=(2.0,))),
    "26 many axes": ("safetensors_tensor", one(shape=(2, *[1] * 100))),
    "26 a number for a shape": (
        "safetensors_tensor", lambda: safetensors({"a": tensor() | {"shape": 2}}, bytes(8)),
    ),
    "26 an unknown type": ("safetensors_tensor", one(dtype="F8_E4M3")),
    "26 a type that is a list": ("safetensors_tensor", one(dtype=["F32"])),
    "26 one more key": ("safetensors_tensor", one(more=1)),
    "26 no keys": ("safetensors_tensor", lambda: safetensors({"a": {}})),
    "26 a number for a tensor": ("safetensors_tensor", lambda: safetensors({"a": 1})),
}  # fmt: skip


# ---- pickles ----


class Runs:
    def __reduce__(self):
        return (print, ("a pickle has run code",))


def torch_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Runs()))
    return file.getvalue()


TORCH = {
    "9 a pickle, .pt": ("pickle", lambda: pickle.dumps(Runs())),
    "9 a zip of torch.save, .pth": ("pickle", torch_zip),
    "9 .PKL": ("pickle", lambda: pickle.dumps(Runs())),
    "9 .bin": ("pickle", torch_zip),
    "9 .ckpt": ("pickle", torch_zip),
    "9 a pickle, called .safetensors": ("pickle", lambda: pickle.dumps(Runs())),
    "9 a zip of torch.save, called .safetensors": ("pickle", torch_zip),
}
WEIGHTS = {
    "9 weights, .pt": ("pickle", torch_zip),
    "9 weights, .pkl": ("pickle", lambda: pickle.dumps(Runs())),
    "9 weights, called .safetensors": ("unexpected_weights", torch_zip),
}


# ---- ONNX ----

UNITS, FEATURES = 2, 3
SHAPES = {"W": (1, 4 * UNITS, FEATURES), "R": (1, 4 * UNITS, UNITS), "B": (1, 8 * UNITS)}


def raw(name, shape, dtype=TensorProto.FLOAT, data=None):
    """A tensor of any shape, whose bytes are as many as for the shapes above."""
    proto = TensorProto(name=name, data_type=dtype, dims=shape)
    proto.raw_data = bytes(4 * int(np.prod(SHAPES[name[0]]))) if data is None else data
    return proto


def info(name, shape=(None, None, FEATURES)):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def lstm(tensors=None, nodes=None, opset=17, domain="", **attributes):
    """A model of one LSTM node, with changes."""
    attributes = {"hidden_size": UNITS} | attributes
    kept = {name: raw(name, shape) for name, shape in SHAPES.items()} | (tensors or {})
    node = helper.make_node("LSTM", ["x", "W", "R", "B"], ["y"], name="rnn", **attributes)
    graph = helper.make_graph(
        nodes or [node], "g", [info("x")], [info("y", (None,) * 4)],
        [tensor for tensor in kept.values() if tensor is not None],
    )  # fmt: skip
    opsets = [helper.make_opsetid(domain, opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def model(**changes):
    return lambda: lstm(**changes).SerializeToString()


def changed(change, **changes):
    def build():
        proto = lstm(**changes)
        change(proto)
        return proto.SerializeToString()

    return build


def external(location):
    def change(proto):
        weight = proto.graph.initializer[0]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, "offset": "0", "length": "96"}.items():
            weight.external_data.add(key=key, value=value)

    return changed(change)


def external_constant(proto):
    constant = raw("W", SHAPES["W"])
    constant.ClearField("raw_data")
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="/etc/passwd")
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["c"], value=constant))


def subgraph(depth):
    """An If inside of an If and so on."""

    def build():
        graph = helper.make_graph([], "inner", [], [info("y")])
        for _ in range(depth):
            branches = {"then_branch": graph, "else_branch": graph}
            graph = helper.make_graph(
                [helper.make_node("If", ["x"], ["y"], **branches)], "g", [info("x")], [info("y")]
            )
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()

    return build


def nested_bytes(depth):
    """Bytes of graphs in graphs, deeper than any library would write."""
    inner = b""
    for _ in range(depth):
        for field in (b"\x32", b"\x2a", b"\x0a"):  # attribute.g, node.attribute, graph.node
            inner = field + varint(len(inner)) + inner
    return b"\x3a" + varint(len(inner)) + inner


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def many_uses():
    """A small file whose one pair of matrices is used for the layers of gigabytes."""
    units = 512
    weights = {"W": (1, units, units), "R": (1, units, units)}
    tensors = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, bytes(4 * units * units), raw=True)
        for name, shape in weights.items()
    ]
    nodes, x = [], "x"
    for k in range(2_000):
        y, s = f"y{k}", f"s{k}"
        nodes.append(helper.make_node("RNN", [x, "W", "R"], [y], hidden_size=units))
        nodes.append(helper.make_node("Squeeze", [y, "axis"], [s]))
        x = s
    tensors.append(helper.make_tensor("axis", TensorProto.INT64, [1], [1]))
    graph = helper.make_graph(nodes, "g", [info("x", (None, None, units))], [info(x)], tensors)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def doubled():
    """Constants that are joined with themselves again and again."""
    nodes = [
        helper.make_node("Concat", [f"c{k}", f"c{k}"], [f"c{k + 1}"], axis=0) for k in range(40)
    ]
    nodes.append(helper.make_node("Identity", ["x"], ["y"]))
    start = helper.make_tensor("c0", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "g", [info("x")], [info("y")], [start])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def filled():
    """A constant of a shape that no memory holds, as the initial state."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [LARGE, LARGE, LARGE])
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["fill"]),
        helper.make_node("Add", ["x", "fill"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [info("x")], [info("y")], [shape])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def wide_input():
    """An input of 2**31 features before a matrix of few."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [3, 2], [0.0] * 6)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [info("x", (None, None, 2**31 - 1))], [info("y")], [weight]
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def unary(operator, opset=17, **attributes):
    """A model of one node with one input."""
    nodes = [helper.make_node(operator, ["x"], ["y"], **attributes)]
    graph = helper.make_graph(nodes, "g", [info("x")], [info("y")])
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def no_values(proto):
    proto.graph.initializer[0].ClearField("raw_data")


def both_fields(proto):
    proto.graph.initializer[0].float_data.extend([0.0] * 24)


def sparse(proto):
    values = helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [LARGE]))


def function(proto):
    proto.functions.add(name="f", domain="d")


def training(proto):
    proto.training_info.add()


def same_name(proto):
    proto.graph.initializer.append(proto.graph.initializer[0])


def cycle(proto):
    proto.graph.node[0].input[0] = "y"


def two_opsets(proto):
    proto.opset_import.add(domain="", version=16)


def segment(proto):
    proto.graph.initializer[0].segment.begin = 0
    proto.graph.initializer[0].segment.end = 1


def deep_names(proto):
    proto.graph.node[0].name = "\x1b[2J\n" * 10_000
    proto.graph.node[0].attribute.append(helper.make_attribute("clip", 1.0))


HUGE = {
    "huge": (LARGE, 4 * UNITS, FEATURES),
    "negative": (1, -4 * UNITS, FEATURES),
    "overflowing to the size": (2**33, 2**31, 8 * UNITS * FEATURES),
    "of many axes": (*[1] * 100, 4 * UNITS, FEATURES),
}
ONNX = {
    "28 no ONNX": ("onnx_damaged", lambda: b"\xff" * 100),
    "28 text": ("onnx_damaged", lambda: b"#!/bin/sh\nrm -rf /\n"),
    "28 nothing": ("onnx_damaged", lambda: b""),
    "28 cut off": ("onnx_damaged", lambda: model()()[:-7]),
    "28 external data": ("onnx_external", external("weights.bin")),
    "28 external data, a path upwards": ("onnx_external", external("../../etc/passwd")),
    "28 external data, absolute": ("onnx_external", external("/etc/passwd")),
    "28 external data in a node": ("onnx_external", changed(external_constant)),
    "28 external data beside the values": (
        "onnx_external",
        changed(lambda p: p.graph.initializer[0].external_data.add(key="location", value="a")),
    ),
    "28 an unknown attribute": (
        "onnx_invalid",
        changed(lambda p: p.graph.node[0].attribute.append(helper.make_attribute("fast", 1))),
    ),
    "28 an attribute that is known to ONNX alone": (
        "onnx_attribute", lambda: unary("Cast", 25, to=TensorProto.FLOAT, round_mode="up"),
    ),
    "28 hidden_size -1": ("onnx_shape", model(hidden_size=-1)),
    "28 hidden_size 0": ("onnx_shape", model(hidden_size=0)),
    "28 hidden_size 2**62": ("onnx_shape", model(hidden_size=LARGE)),
    "28 hidden_size in words": ("onnx_invalid", model(hidden_size="two")),
    "28 layout 2": ("onnx_unsupported", model(layout=2)),
    "28 layout before there was one": ("onnx_invalid", model(layout=1, opset=13)),
    "28 a direction that is none": ("onnx_unsupported", model(direction="sideways")),
    "28 two directions of one": ("onnx_shape", model(direction="bidirectional")),
    "28 If inside If": ("onnx_subgraph", subgraph(3)),
    "28 If inside If, 2 000 deep": ("onnx_damaged", lambda: nested_bytes(2_000)),
    "28 a function": ("onnx_subgraph", changed(function)),
    "28 a graph for training": ("onnx_subgraph", changed(training)),
    "28 a sparse tensor": ("onnx_subgraph", changed(sparse)),
    **{
        f"28 a tensor {name}": ("onnx_tensor", model(tensors={"W": raw("W", shape)}))
        for name, shape in HUGE.items()
    },
    "28 a tensor without values": ("onnx_tensor", changed(no_values)),
    "28 a tensor with values twice": ("onnx_tensor", changed(both_fields)),
    "28 a tensor of text": (
        "onnx_tensor", model(tensors={"W": raw("W", SHAPES["W"], TensorProto.STRING)}),
    ),
    "28 a tensor of no type": ("onnx_tensor", model(tensors={"W": raw("W", SHAPES["W"], 99)})),
    "28 a part of a tensor": ("onnx_tensor", changed(segment)),
    "28 weights of integers": (
        "onnx_shape",
        model(tensors={name: raw(name, s, TensorProto.INT32) for name, s in SHAPES.items()}),
    ),
    "28 two tensors of one name": ("onnx_invalid", changed(same_name)),
    "28 a weight that is missing": ("onnx_invalid", model(tensors={"R": None})),
    "28 a cycle": ("onnx_invalid", changed(cycle)),
    "28 operators of the future": ("onnx_opset", model(opset=999)),
    "28 operators of version 0": ("onnx_opset", model(opset=0)),
    "28 operators of another domain": ("onnx_opset", model(domain="evil.example")),
    "28 two versions of operators": ("onnx_opset", changed(two_opsets)),
    "28 an unknown operator": ("onnx_unsupported", lambda: unary("Sin")),
    "28 many nodes": (
        "onnx_too_many",
        model(nodes=[helper.make_node("Identity", ["x"], [f"y{k}"]) for k in range(6_000)]),
    ),
    "16 one matrix for many layers": ("compression_bomb", many_uses),
    "16 constants that double": ("onnx_unsupported", doubled),
    "16 a constant of 2**186 entries": ("onnx_unsupported", filled),
    "28 an input of 2**31 features": ("onnx_shape", wide_input),
    "32 control codes in a name": ("onnx_unsupported", changed(deep_names)),
}  # fmt: skip


KINDS = {"safetensors": SAFETENSORS, "torch": TORCH, "weights": WEIGHTS, "onnx": ONNX}
