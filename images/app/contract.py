"""What this app serves: a MobileNetV2 with a 1280 -> N head. It is checked on the graph itself, not on what a file
declares.
"""

import json
from pathlib import Path
from typing import Any

from graph import Graph, Node

ARCHITECTURE = "mobilenet_v2"
FEATURES = 1280
"""Width of MobileNetV2's last feature map (Sandler et al., 2018, table 2)."""


class BadContract(ValueError):
    """contract.json cannot be used at all, so the image is broken. A model of another architecture is not this
    error.
    """


def read_contract(path: Path) -> dict[str, Any]:
    """The content of contract.json, checked as far as the app needs it. Raises BadContract that names what is wrong."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadContract(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    fault = _fault(found)
    if fault:
        raise BadContract(f"{path.name}: {fault}")
    checked: dict[str, Any] = found
    return checked


def _fault(found: Any) -> str:
    if not isinstance(found, dict):
        return "is no JSON object"
    labels, given = found.get("labels"), found.get("input")
    if not isinstance(found.get("architecture"), str):
        return "architecture is no text"
    if not isinstance(labels, list) or len(labels) < 2 or not all(isinstance(label, str) for label in labels):
        return "labels is no list of two or more texts"
    if not isinstance(given, dict):
        return "input is missing"
    if not _three(given.get("shape"), int) or min(given["shape"]) < 1 or given["shape"][0] != 3:
        return "input.shape is not [3, height, width]"
    if not _three(given.get("mean"), (int, float)) or not _three(given.get("std"), (int, float)):
        return "input.mean and input.std are not three numbers each"
    return "input.std holds a zero" if 0 in given["std"] else ""


def _three(value: Any, kind: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(isinstance(number, kind) for number in value)


def mismatch(contract: dict[str, Any], graph: Graph, inputs: list[list[Any]], outputs: list[list[Any]]) -> str:
    """Why the model is not one that this app serves; "" where it is.

    contract: as `read_contract` returns it. inputs, outputs: the shapes that ONNX Runtime reports, with the batch
    first. Additional branches in the graph of a MobileNetV2 do not make it another architecture.
    """
    classes = len(contract["labels"])
    declared = contract["architecture"]
    if declared != ARCHITECTURE:
        return f"the model is a {declared}, this app serves {ARCHITECTURE} with a {FEATURES} -> {classes} head"
    if not any(_depthwise(node, graph) for node in graph.nodes):
        return f"the graph has no depthwise convolution, so it is no {ARCHITECTURE}"
    if not any(_head(node, graph, classes) for node in graph.nodes):
        return f"the graph has no {FEATURES} -> {classes} head"
    if len(inputs) != 1 or inputs[0][1:] != contract["input"]["shape"]:
        return f"the graph takes {_shapes(inputs)}, the contract says {contract['input']['shape']}"
    if not outputs or len(outputs[0]) != 2 or outputs[0][1] != classes:
        return f"the graph gives {_shapes(outputs)}, the contract names {classes} labels"
    return ""


def _shapes(shapes: list[list[Any]]) -> str:
    return " and ".join(str(shape[1:]) for shape in shapes) or "nothing"


def _weights(node: Node, graph: Graph) -> list[tuple[int, ...]]:
    return [graph.shapes[name] for name in node.inputs if name in graph.shapes]


def _depthwise(node: Node, graph: Graph) -> bool:
    """Whether a node is a convolution with one filter for each channel. (A ResNeXt has groups too, but of several
    channels.)
    """
    groups = node.integers.get("group", 1)
    if node.op != "Conv" or groups < 2:
        return False
    return any(len(shape) == 4 and shape[0] == groups and shape[1] == 1 for shape in _weights(node, graph))


def _head(node: Node, graph: Graph, classes: int) -> bool:
    """Whether a node is the fully connected last layer. Gemm may keep its weights transposed."""
    wanted = sorted((FEATURES, classes))
    return node.op in ("Gemm", "MatMul") and any(sorted(shape) == wanted for shape in _weights(node, graph))
