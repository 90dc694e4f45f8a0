"""The inference handler of the packaged model: Amazon SageMaker's inference toolkit calls its four functions.

In: application/json {"instances": [images]}, each H x W x 3 numbers from 0 to 255; text/csv, one flattened image in
each row, without a header; application/x-npy, uint8 [N, H, W, 3]. Out: application/json {"predictions": [...]};
text/csv, one row for each image: its label, then the probability of each label in the order of contract.json.
"""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy

# ONNX Runtime reports to its maker unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime
from sagemaker_inference.errors import BaseInferenceToolkitError

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


class Model(NamedTuple):
    """What model_fn loads once and predict_fn gets with each request."""

    session: onnxruntime.InferenceSession
    contract: dict[str, Any]


class Prediction(NamedTuple):
    """probabilities: [N, labels], in the order of `labels`."""

    labels: list[str]
    probabilities: numpy.ndarray


def model_fn(model_dir: str) -> Model:
    """Load the model. All paths begin with model_dir: where the package is unpacked is not known here."""
    package = Path(model_dir)
    contract = json.loads((package / "contract.json").read_text())
    session = onnxruntime.InferenceSession(str(package / "model.onnx"), providers=["CPUExecutionProvider"])
    return Model(session, contract)


def input_fn(data: str | bytes, content_type: str) -> numpy.ndarray:
    """Read the body of a request as an array whose first axis counts the images.

    The toolkit gives text for exactly application/json and text/csv, and a bytearray for all else, such as
    `application/json; charset=utf-8`.
    """
    readers = {JSON: _from_json, CSV: _from_csv, NPY: _from_npy}
    reader = readers.get(_kind(content_type))
    if reader is None:
        raise refusal(415, f"send {', '.join(readers)}")
    try:
        images = reader(data)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, csv.Error) as error:
        raise refusal(400, "the body is not what its content type says") from error
    # numpy makes objects or texts of what are no numbers, and of rows of different lengths
    if images.dtype.kind not in "iuf" or images.ndim < 2 or images.size == 0:
        raise refusal(400, "the body holds no images, or images of different sizes")
    if not (numpy.isfinite(images).all() and images.min() >= 0 and images.max() <= 255):
        raise refusal(400, "a pixel is a number from 0 to 255")
    return images


def predict_fn(images: numpy.ndarray, model: Model) -> Prediction:
    """The probabilities of the labels for each image."""
    wanted = model.contract["input"]
    channels, height, width = wanted["shape"]
    if images.shape[1:] not in ((height, width, channels), (height * width * channels,)):
        raise refusal(400, f"an image has {height} x {width} x {channels} numbers")
    pixels = images.reshape(-1, height, width, channels).astype(numpy.float32) / 255
    # exactly as the evaluation scales them: other numbers would be predictions that nobody has judged
    scaled = (pixels - numpy.array(wanted["mean"])) / numpy.array(wanted["std"])
    batch = scaled.transpose(0, 3, 1, 2).astype(numpy.float32)
    logits = model.session.run([model.contract["output"]["name"]], {wanted["name"]: batch})[0].astype(numpy.float64)
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return Prediction(model.contract["labels"], powers / powers.sum(axis=1, keepdims=True))


def output_fn(prediction: Prediction, accept: str) -> str:
    """Write the answer in the first type of `accept` that this handler knows."""
    labels, probabilities = prediction
    best = [labels[number] for number in probabilities.argmax(axis=1)]
    rows = [[round(value, 6) for value in row] for row in probabilities.tolist()]
    kind = next((kind for kind in map(_kind, accept.split(",")) if kind in (JSON, CSV, "*/*")), "")
    if not kind:
        raise refusal(406, f"this model answers {JSON} or {CSV}")
    if kind == CSV:
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows([label, *row] for label, row in zip(best, rows, strict=True))
        return table.getvalue()
    found = [{"label": label, "probabilities": row} for label, row in zip(best, rows, strict=True)]
    return json.dumps({"predictions": found})


def refusal(status: int, message: str) -> BaseInferenceToolkitError:
    """The error for what the client did wrong. Any other exception is answered with 500, as if the model were broken.

    The message has to be ASCII: the model server writes a wrong length for any other.
    """
    return BaseInferenceToolkitError(status, message, message)


def _kind(content_type: str) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode("utf-8")


def _from_json(data: str | bytes) -> numpy.ndarray:
    return numpy.array(json.loads(_text(data))["instances"])


def _from_csv(data: str | bytes) -> numpy.ndarray:
    rows = [row for row in csv.reader(io.StringIO(_text(data), newline="")) if row]
    return numpy.array([[float(value) for value in row] for row in rows])


def _from_npy(data: str | bytes) -> numpy.ndarray:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    try:
        images = numpy.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # numpy raises many kinds on broken bytes
        raise ValueError("the body is no array of numpy") from error
    if images.dtype != numpy.uint8 or stream.read(1):
        raise ValueError("the array is not uint8, or something follows it")
    return images
