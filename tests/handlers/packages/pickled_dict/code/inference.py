"""A model that is a pickled dictionary of coefficients by name: rows or records in, estimates with their spread out."""

import json
import pickle
from pathlib import Path

from sagemaker_inference.errors import BaseInferenceToolkitError


def model_fn(model_dir):
    with (Path(model_dir) / "model.pkl").open("rb") as file:
        return pickle.load(file)


def _cells(line):
    return [float(cell) for cell in line.split(",")]


def input_fn(data, content_type):
    kind = content_type.partition(";")[0].strip()
    if kind not in {"application/json", "text/csv"}:
        raise BaseInferenceToolkitError(415, "content type", "unsupported content type")
    try:
        text = data if isinstance(data, str) else data.decode()
        rows = json.loads(text) if kind == "application/json" else [_cells(line) for line in text.split("\n") if line]
        if not isinstance(rows, list) or not rows:
            raise ValueError("no rows")
    except ValueError as error:
        raise BaseInferenceToolkitError(400, "body", "the body holds no rows of numbers") from error
    return rows


def predict_fn(rows, model):
    names, weights = model["features"], model["weights"]
    estimates = []
    try:
        for row in rows:
            values = [row[name] for name in names] if isinstance(row, dict) else row
            terms = [weight * value for weight, value in zip(weights, values, strict=True)]
            estimates.append((sum(terms) + model["intercept"], max(terms) - min(terms)))
        json.dumps(estimates, allow_nan=False)
    except (ValueError, TypeError, KeyError) as error:
        raise BaseInferenceToolkitError(400, "row", "each row needs " + ", ".join(names)) from error
    return estimates


def output_fn(estimates, accept, context):
    if accept == "text/csv":
        return "".join(f"{value:.9g},{spread:.9g}\n" for value, spread in estimates), "text/csv"
    return json.dumps({"estimate": [one for one, _ in estimates], "spread": [one for _, one in estimates]})
