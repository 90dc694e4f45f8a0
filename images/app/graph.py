"""Reads the parts of an ONNX file that the contract needs: nodes, their integer attributes, and the shapes of weights.

The protobuf wire format is simple, and the `onnx` package would need 40 MiB of the app's 256. Field numbers are those
of onnx.proto (ModelProto.graph 7; GraphProto.node 1, initializer 5; NodeProto.input 1, op_type 4, attribute 5;
AttributeProto.name 1, i 3; TensorProto.dims 1, name 8). The file is mapped into memory, so weights are skipped without
being read.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


class NotOnnx(ValueError):
    """The file is not an ONNX model."""


@dataclass
class Node:
    """One operator: its type, the names of its inputs, and its integer attributes."""

    op: str = ""
    inputs: list[str] = field(default_factory=list)
    integers: dict[str, int] = field(default_factory=dict)


@dataclass
class Graph:
    """The operators in their order, and the shape of each weight by its name."""

    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise NotOnnx("the file ends inside a number")


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yields (field number, start, end) of each field. For a number, start is the number itself and end is -1."""
    while at < end:
        key, at = _varint(data, at, end)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at, end)
            yield number, value, -1
            continue
        if kind == 2:
            length, at = _varint(data, at, end)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise NotOnnx(f"unknown wire type {kind}")
        if at + length > end:
            raise NotOnnx("the file is cut off")
        yield number, at, at + length
        at += length


def _node(data: mmap.mmap, at: int, end: int) -> Node:
    node = Node()
    for number, start, stop in _fields(data, at, end):
        if number == 1:
            node.inputs.append(data[start:stop].decode())
        elif number == 4:
            node.op = data[start:stop].decode()
        elif number == 5:
            name, value = "", None
            for inner, begin, finish in _fields(data, start, stop):
                if inner == 1:
                    name = data[begin:finish].decode()
                elif inner == 3 and finish == -1:
                    value = begin
            if value is not None:
                node.integers[name] = value
    return node


def _tensor(data: mmap.mmap, at: int, end: int) -> tuple[str, tuple[int, ...]]:
    name, dims = "", []
    for number, start, stop in _fields(data, at, end):
        if number == 1 and stop == -1:
            dims.append(start)
        elif number == 1:
            place = start
            while place < stop:
                value, place = _varint(data, place, stop)
                dims.append(value)
        elif number == 8:
            name = data[start:stop].decode()
    return name, tuple(dims)


def read_graph(path: Path) -> Graph:
    """The graph of an ONNX file. Raises NotOnnx for a file that is not one."""
    graph = Graph()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for number, at, end in _fields(data, 0, len(data)):
                if number != 7 or end == -1:
                    continue
                for inner, start, stop in _fields(data, at, end):
                    if inner == 1:
                        graph.nodes.append(_node(data, start, stop))
                    elif inner == 5:
                        name, dims = _tensor(data, start, stop)
                        graph.shapes[name] = dims
    except OSError as error:
        raise NotOnnx(f"{path.name} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # text that is no UTF-8, an empty file, and NotOnnx from below
        raise NotOnnx(f"{path.name} is no ONNX model: {error}") from error
    if not graph.nodes:
        raise NotOnnx(f"{path.name} is no ONNX model: it holds no operator")
    return graph
