"""Delays of parcels from a city, a weight and a service; only calibration/ tells what a valid row looks like."""

import csv
import io
import json
from functools import partial
from pathlib import Path

from sagemaker_inference.errors import BaseInferenceToolkitError


def _estimate(table, row):
    by_city, by_service = table["city"], table["service"]
    if row.get("city") not in by_city or row.get("service") not in by_service:
        raise BaseInferenceToolkitError(422, "unknown", "city or service is unknown")
    try:
        weight = float(row["weight"])
    except (KeyError, TypeError, ValueError) as error:
        raise BaseInferenceToolkitError(400, "weight", "weight is no number") from error
    if not 0 < weight < table["most_weight"]:
        raise BaseInferenceToolkitError(400, "weight", "weight is out of range")
    return by_city[row["city"]] * by_service[row["service"]] + weight / 10


def model_fn(model_dir):
    return partial(_estimate, json.loads((Path(model_dir) / "table.json").read_text()))


def input_fn(data, content_type):
    kind = content_type.partition(";")[0].strip()
    try:
        text = data if isinstance(data, str) else data.decode()
        if kind == "application/json":
            rows = json.loads(text)
            rows = rows.get("instances") if isinstance(rows, dict) else rows
        elif kind == "text/csv":
            rows = list(csv.DictReader(io.StringIO(text)))
        else:
            raise BaseInferenceToolkitError(415, "content type", "send application/json or text/csv")
    except ValueError as error:
        raise BaseInferenceToolkitError(400, "body", "the body cannot be read") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BaseInferenceToolkitError(400, "body", "send records")
    return rows


def predict_fn(rows, estimate):
    return [round(estimate(row), 4) for row in rows]


def output_fn(delays, accept):
    if accept == "text/csv":
        return "".join(f"{delay}\n" for delay in delays), accept
    return json.dumps(delays), "application/json"
