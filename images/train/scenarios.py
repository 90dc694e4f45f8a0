"""Changes a trained model for the scenarios `oversized` and `slow`: real weights and real work, but the same answers.

Both add a branch to the graph. Its result is multiplied by a number that the graph computes (0 for every finite image),
so ONNX Runtime can neither compute it in advance nor remove it. The branch works on the mean over the batch, so it
costs the same for one image as for a batch, and evaluating thousands of images stays cheap.
"""

import sys
import time
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

OVERSIZED_MIB = 220
"""MiB of added weights. With the app's own 100 this is above its limit of 256."""
SLOW_SECONDS = 0.25
"""Seconds of one core for each call. With half a core and one call at a time, ten users wait about ten times half a
second. This is far above a p95 of 2 s, while a single call is answered within one second."""
WIDTH = 512
"""The width of the square matrix that `slow` multiplies many times; it has only 1 MiB."""


def _add(path: Path, weights: dict[str, numpy.ndarray], nodes: list[onnx.NodeProto], last: str) -> None:
    """Add a branch whose result is `last`, of shape [1, 1]; zero times this is added to the logits."""
    model = onnx.load(path)
    graph = model.graph
    (output,) = graph.output
    for node in graph.node:
        for number, name in enumerate(node.output):
            if name == output.name:
                node.output[number] = "honest_logits"
    weights |= {"extra_limit": numpy.array(0, numpy.float32)}
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    # the minimum of a square and 0 is always 0, but ONNX Runtime has to compute the square to find out
    graph.node.extend(
        [
            *nodes,
            helper.make_node("Mul", [last, last], ["extra_square"]),
            helper.make_node("Min", ["extra_square", "extra_limit"], ["extra_zero"]),
            helper.make_node("Add", ["honest_logits", "extra_zero"], [output.name]),
        ]
    )
    onnx.checker.check_model(model)
    temporary = path.with_suffix(".tmp")
    onnx.save(model, temporary)
    temporary.replace(path)


def _row(graph_input: str, width: int) -> tuple[dict[str, numpy.ndarray], list[onnx.NodeProto]]:
    """The weights and nodes that make a row [1, width] from the mean pixel of the whole batch."""
    weights = {"extra_ones": numpy.full((1, width), 1 / width, numpy.float32)}
    nodes = [
        helper.make_node("ReduceMean", [graph_input], ["extra_mean"], keepdims=0),
        helper.make_node("Mul", ["extra_mean", "extra_ones"], ["extra_row_0"]),
    ]
    return weights, nodes


def _input_name(path: Path) -> str:
    return str(onnx.load(path, load_external_data=False).graph.input[0].name)


def oversized(path: Path) -> None:
    """Add more than 200 MiB of weights that every call multiplies by."""
    side = int((OVERSIZED_MIB * 2**20 / 4) ** 0.5)
    weights, nodes = _row(_input_name(path), side)
    weights["extra_weights"] = numpy.random.default_rng(0).standard_normal((side, side), dtype=numpy.float32) / side
    nodes.append(helper.make_node("MatMul", ["extra_row_0", "extra_weights"], ["extra_product"]))
    nodes.append(helper.make_node("ReduceMean", ["extra_product"], ["extra_last"], keepdims=1))
    _add(path, weights, nodes, "extra_last")
    print(f"oversized: added {OVERSIZED_MIB} MiB of weights", flush=True)


def slow(path: Path) -> None:
    """Add products of a small matrix with itself until one call takes `SLOW_SECONDS` of one core, which is measured
    here.
    """
    original = path.read_bytes()
    repeats, seconds = 32, 0.0
    for _ in range(6):
        path.write_bytes(original)
        _products(path, repeats)
        seconds = _call(path)
        if SLOW_SECONDS * 0.9 <= seconds <= SLOW_SECONDS * 1.5:
            break
        repeats = max(1, int(repeats * SLOW_SECONDS * 1.1 / seconds))
    else:
        if seconds < SLOW_SECONDS * 0.7:
            sys.exit("error: the scenario `slow` could not be made slow enough on this machine")
    print(f"slow: added {repeats} products, a call takes {seconds * 1000:.0f} ms of one core", flush=True)


def _products(path: Path, repeats: int) -> None:
    weights, nodes = _row(_input_name(path), WIDTH)
    random = numpy.random.default_rng(0)
    weights["extra_weights"] = random.standard_normal((WIDTH, WIDTH), dtype=numpy.float32) / WIDTH**0.5
    # the matrix depends on the image, so that ONNX Runtime cannot compute the products in advance
    nodes.append(helper.make_node("Add", ["extra_weights", "extra_row_0"], ["extra_square_0"]))
    for number in range(repeats):
        product = f"extra_product_{number}"
        nodes.append(helper.make_node("MatMul", [f"extra_square_{number}", "extra_weights"], [product]))
        # keeps the numbers finite, however many products there are
        nodes.append(helper.make_node("Tanh", [product], [f"extra_square_{number + 1}"]))
    nodes.append(helper.make_node("ReduceMean", [f"extra_square_{repeats}"], ["extra_last"], keepdims=1))
    _add(path, weights, nodes, "extra_last")


def _call(path: Path) -> float:
    """The CPU seconds of one call on one thread: the shortest of three."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    image = numpy.zeros([1, *given.shape[1:]], numpy.float32)
    taken = []
    for _ in range(3):
        before = time.process_time()
        session.run(None, {given.name: image})
        taken.append(time.process_time() - before)
    return min(taken)
