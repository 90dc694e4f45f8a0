"""Twelve packaged models with valid handlers, as different people write them. Their model files are made here."""

import json
import pickle
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

SOURCES = Path(__file__).parent / "handlers" / "packages"


def make_package(name: str, directory: Path) -> Path:
    """Write the packaged model of this name into a directory, which may exist. Returns the directory."""
    shutil.copytree(SOURCES / name, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    MAKERS[name](directory)
    return directory


def _sklearn_joblib(directory: Path) -> None:
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    data, target = load_iris(return_X_y=True)
    joblib.dump(LogisticRegression(max_iter=500).fit(data, target), directory / "model.joblib")


def _sklearn_frame(directory: Path) -> None:
    import joblib
    import pandas
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = pandas.DataFrame(
        {"area": [50.0, 80, 120, 200], "rooms": [2.0, 3, 4, 6], "year": [1960.0, 1985, 2001, 2015]}
    )
    joblib.dump(make_pipeline(StandardScaler(), Ridge()).fit(frame, [90, 160, 260, 480]), directory / "pipeline.joblib")


def _onnx_session(directory: Path) -> None:
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy.linspace(-1, 1, 24, dtype=numpy.float32).reshape(8, 3)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["rows", "weights"], ["logits"]), helper.make_node("Softmax", ["logits"], ["p"])],
        "classifier",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), directory / "model.onnx")


def _torchscript(directory: Path) -> None:
    import torch

    torch.manual_seed(3)
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1), torch.nn.Sigmoid())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript itself, which endpoints still load
        torch.jit.trace(model.eval(), torch.zeros(1, 5)).save(str(directory / "model.pt"))


def _numpy_transform(directory: Path) -> None:
    import numpy

    numpy.savez(directory / "weights.npz", matrix=numpy.linspace(-2, 3, 6), bias=numpy.array(0.5))


def _json_rules(directory: Path) -> None:
    (directory / "rules.json").write_text(json.dumps({"least_age": 18, "debt_factor": 0.4}))


def _pickled_dict(directory: Path) -> None:
    model = {"features": ["height", "width", "depth", "mass"], "weights": [0.5, -1.25, 2.0, 0.125], "intercept": 3.0}
    (directory / "model.pkl").write_bytes(pickle.dumps(model))


def _text_rules(directory: Path) -> None:
    words = {"good": 1.0, "great": 2.0, "fine": 0.5, "bad": -1.0, "awful": -2.0}
    (directory / "words.tsv").write_text("".join(f"{word}\t{weight}\n" for word, weight in words.items()))


def _boosted_trees(directory: Path) -> None:
    stumps = [[0, 0.5, -1.0, 1.0], [1, 2.0, 0.25, -0.5], [4, -1.0, 3.0, 0.125], [6, 0.0, -0.75, 0.5]]
    names = ["price", "stock", "weekday", "holiday", "rain", "wind", "promotion"]
    model = {"feature_names": names, "base_score": 0.5, "stumps": stumps}
    (directory / "xgboost-model.json").write_text(json.dumps(model))


def _leaf_trees(directory: Path) -> None:
    (directory / "model.txt").write_text(
        "tree\nversion=v4\nfeature_names=pressure temperature vibration\nthreshold=1.5 40 0.2\n"
        "leaf_value=0.05 0.2 0.55 0.9\n"
    )


def _dense_network(directory: Path) -> None:
    import numpy

    random = numpy.random.default_rng(7)
    shapes = {"kernel_0": (6, 8), "bias_0": (8,), "kernel_1": (8, 3), "bias_1": (3,)}
    numpy.savez(
        directory / "network.weights.npz", **{name: random.normal(size=shape) for name, shape in shapes.items()}
    )


def _calibrated(directory: Path) -> None:
    table = {"city": {"Bern": 1.5, "Oslo": 2.5}, "service": {"fast": 0.5, "slow": 2.0}, "most_weight": 30}
    (directory / "table.json").write_text(json.dumps(table))
    (directory / "calibration").mkdir(exist_ok=True)
    (directory / "calibration" / "parcels.csv").write_text(
        "city,weight,service\nBern,2.5,fast\nOslo,11,slow\nOslo,0.4,fast\n"
    )


MAKERS: dict[str, Callable[[Path], None]] = {
    "sklearn_joblib": _sklearn_joblib,
    "sklearn_frame": _sklearn_frame,
    "onnx_session": _onnx_session,
    "torchscript": _torchscript,
    "numpy_transform": _numpy_transform,
    "json_rules": _json_rules,
    "pickled_dict": _pickled_dict,
    "text_rules": _text_rules,
    "boosted_trees": _boosted_trees,
    "leaf_trees": _leaf_trees,
    "dense_network": _dense_network,
    "calibrated": _calibrated,
}
PACKAGES: tuple[str, ...] = tuple(MAKERS)
"""The names of all packages."""


def _numbers(rows: list[list[float]]) -> dict[str, bytes]:
    """The same rows as JSON and as CSV."""
    return {
        "application/json": json.dumps(rows).encode(),
        "text/csv": "".join(",".join(map(str, row)) + "\n" for row in rows).encode(),
    }


def _records(names: str, rows: list[list[float | str]]) -> dict[str, bytes]:
    """The same records as JSON and as CSV with a header."""
    columns = names.split(",")
    return {
        "application/json": json.dumps([dict(zip(columns, row, strict=True)) for row in rows]).encode(),
        "text/csv": "".join(",".join(map(str, row)) + "\n" for row in [columns, *rows]).encode(),
    }


REQUESTS: dict[str, dict[str, bytes]] = {
    "sklearn_joblib": _numbers([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 2.8, 4.3, 1.3]]),
    "sklearn_frame": _records("area,rooms,year", [[70, 3, 1990], [150, 5, 2010], [45, 1, 1955]]),
    "onnx_session": _numbers([[1, 2, 3, 4, 5, 6, 7, 8], [0.5] * 8, [-1, 0, 1, 0, -1, 0, 1, 0]]),
    "torchscript": _numbers([[1, 2, 3, 4, 5], [0.1, 0.2, 0.3, 0.4, 0.5], [-1, -2, 0, 2, 1]]),
    "numpy_transform": _numbers([[1, 0, 0, 0, 0, 1], [5, 4, 3, 2, 1, 0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]),
    "json_rules": _records("age,income,debt", [[17, 100, 0], [30, 100, 50], [40, 10, 500]]),
    "pickled_dict": _numbers([[1, 2, 3, 4], [0.5, 0.25, 4, 80], [10, 20, 30, 40]]),
    "text_rules": {
        "application/json": b'["a great day", "bad and awful", "just words"]',
        "text/csv": b"a great day\nbad and awful\njust words\n",
    },
    "boosted_trees": _numbers([[1, 1, 1, 0, 0, 2, 1], [0, 3, 5, 1, -2, 2, 0], [0.25, 2, 6, 0, 4, 9, 1]]),
    "leaf_trees": _records("pressure,temperature,vibration", [[1, 20, 0.1], [2, 55, 0.5], [1.6, 30, 0]]),
    "dense_network": _numbers([[1, 2, 3, 4, 5, 6], [0.5] * 6, [-1, 0, 1, 0, -1, 0]]),
    "calibrated": _records("city,weight,service", [["Bern", 2.5, "fast"], ["Oslo", 11, "slow"], ["Oslo", 0.4, "fast"]]),
}
"""Three valid rows for each package, as JSON and as CSV."""
