"""What this app serves: a MobileNetV2 with a 1280 -> N head. Checked on the graph itself, not on what a file claims."""

from graph import Graph

ARCHITECTURE = "mobilenet_v2"
FEATURES = 1280


def mismatch(contract: dict, graph: Graph, input_shape: list, output_shape: list) -> str:
    """Why the model is not what this app serves; "" where it is.

    contract: contract.json. input_shape, output_shape: as ONNX Runtime has them, the batch first.
    """
    labels = contract["labels"]
    declared = contract["architecture"]
    if declared != ARCHITECTURE:
        return f"the model is a {declared}, this app serves {ARCHITECTURE} with a {FEATURES} -> {len(labels)} head"
    depthwise = [node for node in graph.nodes if node.op == "Conv" and node.integers.get("group", 1) > 1]
    if not depthwise:
        return f"the graph has no depthwise convolution, so it is no {ARCHITECTURE}"
    heads = [
        graph.shapes[name]
        for node in graph.nodes
        if node.op in ("Gemm", "MatMul")
        for name in node.inputs
        if name in graph.shapes
    ]
    if not any(sorted(shape) == sorted((FEATURES, len(labels))) for shape in heads):
        return f"the graph has no {FEATURES} -> {len(labels)} head"
    if list(input_shape[1:]) != list(contract["input"]["shape"]):
        return f"the graph takes {input_shape[1:]}, the contract says {contract['input']['shape']}"
    if output_shape[-1] != len(labels):
        return f"the graph gives {output_shape[-1]} classes, the contract names {len(labels)} labels"
    return ""
