"""Structure: the graph is what its own contract says. The integration test checks whether the app serves such a
model.
"""

import numpy
import onnx


def test_model_structure(evaluated, measured) -> None:
    contract = evaluated.contract
    model = onnx.load(evaluated.package / "model.onnx", load_external_data=False)
    onnx.checker.check_model(model)
    (given,) = [i for i in model.graph.input if i.name == contract["input"]["name"]]
    shape = [dim.dim_value for dim in given.type.tensor_type.shape.dim][1:]
    classes = evaluated.probabilities.shape[1]
    depthwise = sum(
        attribute.name == "group" and attribute.i > 1
        for node in model.graph.node
        if node.op_type == "Conv"
        for attribute in node.attribute
    )
    labels, wanted = len(contract["labels"]), contract["input"]["shape"]
    measured(
        "structure",
        f"{shape} -> {classes}",
        f"{wanted} -> {labels}",
        f"{contract['architecture']}: {shape} -> {classes} classes",
    )
    assert shape == wanted
    assert classes == labels
    assert numpy.isfinite(evaluated.probabilities).all()
    assert contract["architecture"] != "mobilenet_v2" or depthwise >= 17, "a MobileNetV2 has 17 depthwise convolutions"
