"""What the evaluation tests share. This directory is yours: add, change or remove tests.

The release gives: EVALUATION_PACKAGE, the packaged model's directory; EVALUATION_ACCURACY_MIN, EVALUATION_LOSS_MAX and
EVALUATION_RECALL_MIN, the thresholds; EVALUATION_DRAWN_ACCURACY in the demo mode `flaky-metrics` alone;
EVALUATION_DETAILS, a file for what the report draws and the handler test compares. `slipway optimize evaluate` tries
values of EVALUATION_BATCH and EVALUATION_THREADS. A test tells what it measured by the fixture `measured`.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest

# ONNX Runtime reports to its maker unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

BATCH = int(os.environ.get("EVALUATION_BATCH", "16"))
"""Images at a time; 128 need twice the memory, and more time."""
THREADS = int(os.environ.get("EVALUATION_THREADS", "0"))
"""Threads of ONNX Runtime; 0: one for each core."""


@dataclass
class Evaluated:
    """The model's answers to the held-out images: probabilities [M, labels] and true labels [M]."""

    package: Path
    contract: dict
    probabilities: numpy.ndarray
    labels: numpy.ndarray

    @property
    def predicted(self) -> numpy.ndarray:
        """The most probable label of each image."""
        return self.probabilities.argmax(axis=1)

    @property
    def confusion(self) -> numpy.ndarray:
        """The confusion matrix with the counts: rows are true labels, columns predicted ones."""
        size = len(self.contract["labels"])
        found = numpy.zeros((size, size), dtype=int)
        numpy.add.at(found, (self.labels, self.predicted), 1)
        return found


def scaled(images: numpy.ndarray, wanted: dict) -> numpy.ndarray:
    """float32 [N, 3, H, W], scaled as the contract says, from pixels uint8 [N, H, W, 3]."""
    pixels = (images.astype(numpy.float32) / 255 - numpy.array(wanted["mean"])) / numpy.array(wanted["std"])
    return pixels.transpose(0, 3, 1, 2).astype(numpy.float32)


@pytest.fixture(scope="session")
def evaluated() -> Evaluated:
    """The packaged model, run once over all held-out images."""
    package = Path(os.environ["EVALUATION_PACKAGE"])
    contract = json.loads((package / "contract.json").read_text())
    with numpy.load(package / "holdout.npz", allow_pickle=False) as held:
        images, labels = held["images"], held["labels"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(package / "model.onnx"), options, providers=["CPUExecutionProvider"])
    name, parts = contract["input"]["name"], []
    for start in range(0, len(images), BATCH):
        batch = scaled(images[start : start + BATCH], contract["input"])
        parts.append(session.run([contract["output"]["name"]], {name: batch})[0])
    logits = numpy.concatenate(parts).astype(numpy.float64)
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    found = Evaluated(package, contract, powers / powers.sum(axis=1, keepdims=True), labels)
    # `predicted` is what the handler has to predict too: the handler test compares them
    details = {"confusion_matrix": found.confusion.tolist(), "predicted": found.predicted.tolist()}
    Path(os.environ["EVALUATION_DETAILS"]).write_text(json.dumps(details))
    return found


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """A function that stores what a test measured in the report: measured(code, value, threshold, message, unit)."""

    def tell(code: str, value: object, threshold: object, message: str, unit: str = "") -> None:
        for name, content in (("code", code), ("measured", value), ("threshold", threshold)):
            record_property(name, content)
        record_property("message", message)
        record_property("unit", unit)

    return tell
