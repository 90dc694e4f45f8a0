"""A linear model in one NPZ file, served by transform_fn: rows of six numbers in, objects with value and class out."""

import json
from pathlib import Path

import numpy as np
from sagemaker_inference.errors import BaseInferenceToolkitError

SUPPORTED = ("application/json", "text/csv")


def model_fn(model_dir, context):
    with np.load(Path(model_dir) / "weights.npz") as weights:
        return {"matrix": weights["matrix"], "bias": weights["bias"]}


def _rows(data, kind):
    text = data if isinstance(data, str) else bytes(data).decode()
    if kind == "text/csv":
        return [[float(cell) for cell in line.split(",")] for line in text.splitlines() if line]
    return json.loads(text)


def transform_fn(model, data, content_type, accept):
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in SUPPORTED:
        raise BaseInferenceToolkitError(415, "unsupported", "unsupported content type")
    try:
        array = np.asarray(_rows(data, kind), dtype=float)
    except (ValueError, TypeError) as error:
        raise BaseInferenceToolkitError(400, "unreadable", "the body cannot be read as rows of numbers") from error
    if array.ndim != 2 or array.shape[1] != len(model["matrix"]) or not np.isfinite(array).all():
        raise BaseInferenceToolkitError(400, "shape", f"each row needs {len(model['matrix'])} numbers")
    values = array @ model["matrix"] + model["bias"]
    if accept == "text/csv":
        return "".join(f"{value:.6g},{'high' if value > 0 else 'low'}\n" for value in values), "text/csv"
    answer = [{"value": float(value), "class": "high" if value > 0 else "low"} for value in values]
    return json.dumps(answer), "application/json"
