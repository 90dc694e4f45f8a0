"""Scores parcels by their weight, length and distance."""

import csv
import io
import json
import os

import numpy
from sagemaker_inference.errors import BaseInferenceToolkitError

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


class Scorer:
    """A linear model."""

    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias

    def predict(self, rows):
        return rows @ self.weights + self.bias


def model_fn(model_dir):
    with numpy.load(os.path.join(model_dir, "model.npz")) as stored:
        model = Scorer(stored["weights"], stored["bias"])
    return model


def read_rows(data, kind):
    if kind == JSON:
        return json.loads(data)["instances"]
    if kind == CSV:
        text = data if isinstance(data, str) else data.decode("utf-8")
        return [[float(cell) for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    if kind == NPY:
        return numpy.load(io.BytesIO(data), allow_pickle=False)
    raise BaseInferenceToolkitError(415, "the content type is not supported", "Unsupported Media Type")


def input_fn(data, content_type):
    kind = content_type.partition(";")[0].strip()
    try:
        rows = numpy.asarray(read_rows(data, kind), dtype=float)
    except (ValueError, KeyError, TypeError, EOFError) as error:
        raise BaseInferenceToolkitError(400, "the body cannot be read", "Bad Request") from error
    if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] != 3:
        raise BaseInferenceToolkitError(400, "three numbers a row are needed", "Bad Request")
    return rows


def predict_fn(data, model):
    scores = model.predict(data)
    return scores


def output_fn(prediction, accept):
    if accept == CSV:
        return "".join(f"{score}\n" for score in prediction.tolist())
    if accept == JSON:
        return json.dumps({"predictions": prediction.tolist()})
    raise BaseInferenceToolkitError(406, "the accept type is not supported", "Not Acceptable")
