"""A classifier in ONNX: rows of eight numbers in, probabilities of three classes out. JSON, CSV and NPY."""

import io
import json
from pathlib import Path

import numpy
import onnxruntime
from sagemaker_inference.errors import BaseInferenceToolkitError


class Refused(BaseInferenceToolkitError):
    def __init__(self, text, status=400):
        super().__init__(status, text, text)


def model_fn(model_dir):
    return onnxruntime.InferenceSession(Path(model_dir) / "model.onnx", providers=["CPUExecutionProvider"])


def _array(data, content_type):
    if content_type == "application/x-npy":
        return numpy.load(io.BytesIO(data), allow_pickle=False)
    text = data if isinstance(data, str) else bytes(data).decode()
    if content_type == "application/json":
        body = json.loads(text)
        return numpy.array(body.get("inputs") if isinstance(body, dict) else body, dtype=numpy.float32)
    if content_type == "text/csv":
        return numpy.array([line.split(",") for line in text.splitlines() if line.strip()], dtype=numpy.float32)
    raise Refused("this content type is not supported", 415)


def input_fn(data, content_type, context):
    try:
        array = _array(data, content_type.partition(";")[0].strip())
    except (ValueError, TypeError, EOFError) as error:
        raise Refused("the body cannot be read") from error
    if array.ndim != 2 or array.shape[1] != 8 or not array.size:
        raise Refused("each row needs eight numbers")
    return array.astype(numpy.float32)


def predict_fn(data, session):
    (name,) = [one.name for one in session.get_inputs()]
    return session.run(None, {name: data})[0]


def output_fn(prediction, accept):
    if accept == "application/x-npy":
        file = io.BytesIO()
        numpy.save(file, prediction)
        return file.getvalue(), accept
    if accept == "text/csv":
        return "\n".join(",".join(f"{value:.6f}" for value in row) for row in prediction) + "\n", accept
    return json.dumps(
        {"outputs": [[round(float(value), 6) for value in row] for row in prediction]}
    ), "application/json"
