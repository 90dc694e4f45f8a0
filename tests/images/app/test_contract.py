"""What counts as the model this app serves: looked up in the graph, whatever contract.json claims."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway_steps.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "images" / "app"
LABELS = ["a", "b", "c"]
CONTRACT: dict[str, Any] = {
    "architecture": "mobilenet_v2",
    "labels": LABELS,
    "input": {"shape": [3, 32, 32], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}


@pytest.fixture(scope="module")
def app() -> Iterator[dict[str, ModuleType]]:
    """The app's own modules, imported as serve.py does it; their plain names are given back afterwards."""
    names = ("graph", "contract", "versions")
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(APP))
    yield {name: importlib.import_module(name) for name in names}
    sys.path.remove(str(APP))
    for name in names:
        del sys.modules[name]
    sys.modules.update(before)


def write_model(path: Path, groups: int, features: int, more: bool = False) -> None:
    """A convolution in `groups` groups of 8 channels, then a features -> 3 head."""
    from onnx import TensorProto, helper, numpy_helper, save

    def weights(name: str, *shape: int) -> Any:
        return numpy_helper.from_array(numpy.zeros(shape, numpy.float32), name)

    nodes = [
        helper.make_node("Conv", ["image", "expand"], ["wide"]),
        helper.make_node("Conv", ["wide", "filter"], ["deep"], group=groups),
        helper.make_node("Gemm", ["flat", "head"], ["logits"], transB=1),
    ]
    if more:
        nodes.append(helper.make_node("MatMul", ["x", "extra"], ["y"]))
    initializers = [
        weights("expand", 8, 3, 1, 1),
        weights("filter", 8, 8 // groups, 3, 3),
        weights("head", len(LABELS), features),
        weights("extra", 7, 7),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("image", ["N", 3, 32, 32]), ("logits", ["N", len(LABELS)]))
    ]
    save(helper.make_model(helper.make_graph(nodes, "g", *ends, initializers)), path)


SHAPES = ([["N", 3, 32, 32]], [["N", 3]])


@pytest.mark.parametrize(
    ("groups", "features", "more", "claim", "shapes", "reason"),
    [
        (8, 1280, False, "mobilenet_v2", SHAPES, ""),
        (8, 1280, True, "mobilenet_v2", SHAPES, ""),
        (8, 1280, False, "resnet_small", SHAPES, "a resnet_small"),
        (1, 1280, False, "mobilenet_v2", SHAPES, "no depthwise"),
        (2, 1280, False, "mobilenet_v2", SHAPES, "no depthwise"),
        (8, 512, False, "mobilenet_v2", SHAPES, "no 1280 -> 3 head"),
        (8, 1280, False, "mobilenet_v2", ([["N", 3, 64, 64]], [["N", 3]]), "takes"),
        (8, 1280, False, "mobilenet_v2", ([["N", 3, 32, 32]] * 2, [["N", 3]]), "takes"),
        (8, 1280, False, "mobilenet_v2", ([["N", 3, 32, 32]], [["N", 4]]), "gives"),
        (8, 1280, False, "mobilenet_v2", ([["N", 3, 32, 32]], []), "gives nothing"),
    ],
)
def test_mismatch(
    app: dict[str, ModuleType],
    tmp_path: Path,
    groups: int,
    features: int,
    more: bool,
    claim: str,
    shapes: tuple[Any, Any],
    reason: str,
) -> None:
    write_model(tmp_path / "m.onnx", groups, features, more)
    graph = app["graph"].read_graph(tmp_path / "m.onnx")
    found = app["contract"].mismatch(CONTRACT | {"architecture": claim}, graph, *shapes)
    assert reason in found if reason else found == ""


def test_the_graph_is_read_as_onnx_reads_it(app: dict[str, ModuleType], trained_package: Path) -> None:
    import onnx

    path = trained_package / "model.onnx"
    wanted, found = onnx.load(path).graph, app["graph"].read_graph(path)
    assert [(node.op, node.inputs) for node in found.nodes] == [(n.op_type, list(n.input)) for n in wanted.node]
    assert found.shapes == {tensor.name: tuple(tensor.dims) for tensor in wanted.initializer}
    groups = [{a.name: a.i for a in node.attribute if a.type == a.INT}.get("group") for node in wanted.node]
    assert [node.integers.get("group") for node in found.nodes] == groups


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), junk=st.binary(max_size=16), cut=st.booleans())
def test_no_damage_to_a_model_breaks_the_reader(
    app: dict[str, ModuleType], tmp_path: Path, place: float, junk: bytes, cut: bool
) -> None:
    path = tmp_path / "m.onnx"
    if not (tmp_path / "whole.onnx").exists():
        write_model(tmp_path / "whole.onnx", 8, 1280)
    whole = (tmp_path / "whole.onnx").read_bytes()
    at = int(place * len(whole))
    path.write_bytes(whole[:at] + junk + (b"" if cut else whole[at + len(junk) :]))
    try:
        assert app["graph"].read_graph(path).nodes
    except app["graph"].NotOnnx as error:
        assert str(error).startswith("m.onnx is no ONNX model")  # the only kind of error there is


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("[]", "is no JSON object"),
        ("{}", "architecture"),
        ('{"architecture": "m", "labels": ["a"]}', "labels"),
        ('{"architecture": "m", "labels": ["a", "b"]}', "input is missing"),
        ('{"architecture": "m", "labels": ["a", "b"], "input": {"shape": [1, 8, 8]}}', "input.shape"),
        ('{"architecture": "m", "labels": ["a", "b"], "input": {"shape": [3, 8, 8], "mean": [0]}}', "input.mean"),
        (
            '{"architecture": "m", "labels": ["a", "b"],'
            ' "input": {"shape": [3, 8, 8], "mean": [0, 0, 0], "std": [1, 0, 1]}}',
            "zero",
        ),
    ],
)
def test_an_unusable_contract_says_what_is_wrong(
    app: dict[str, ModuleType], tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "contract.json").write_text(text)
    with pytest.raises(app["contract"].BadContract, match=reason):
        app["contract"].read_contract(tmp_path / "contract.json")


@pytest.mark.parametrize(
    ("content", "version", "fault"),
    [
        (b"model-app=1.0.7\nmodel-version=7\n", "7", ""),
        (b"model-version = 10\r\n", "10", ""),
        (b"model-app=1.0.7\n", None, "names no model-version"),
        (b"model-version=\n", "", "names no model-version"),
        (b"\xff\xfe", None, "cannot be read"),
        (None, None, "cannot be read"),
    ],
)
def test_versions_txt(
    app: dict[str, ModuleType], tmp_path: Path, content: bytes | None, version: str | None, fault: str
) -> None:
    path = tmp_path / "versions.txt"
    if content is not None:
        path.write_bytes(content)
    found, said = app["versions"].read_versions(path)
    assert found.get("model-version") == version
    assert fault in said if fault else said == ""
