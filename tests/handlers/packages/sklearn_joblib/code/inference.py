"""Iris flowers by logistic regression: rows of four numbers in, class numbers out."""

import csv
import io
import json
from pathlib import Path

import joblib
import numpy as np
from sagemaker_inference.errors import BaseInferenceToolkitError


def refuse(status, text):
    raise BaseInferenceToolkitError(status, text, text)


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(data, content_type):
    kind = content_type.partition(";")[0].strip()
    try:
        text = data.decode() if isinstance(data, bytes | bytearray) else data
        if kind == "application/json":
            rows = json.loads(text)
            rows = rows["instances"] if isinstance(rows, dict) else rows
        elif kind == "text/csv":
            rows = [row for row in csv.reader(io.StringIO(text)) if row]
        else:
            refuse(415, "send application/json or text/csv")
        array = np.array(rows, dtype=float)
    except (ValueError, TypeError, KeyError):
        refuse(400, "send rows of four numbers")
    if array.ndim != 2 or array.shape[1] != 4 or not np.isfinite(array).all():
        refuse(400, "send rows of four numbers")
    return array


def predict_fn(data, model):
    return model.predict(data)


def output_fn(prediction, accept):
    if accept == "text/csv":
        return "".join(f"{int(value)}\n" for value in prediction), accept
    if accept in ("application/json", "*/*"):
        return json.dumps(prediction.tolist()), "application/json"
    return refuse(406, "accept application/json or text/csv")
