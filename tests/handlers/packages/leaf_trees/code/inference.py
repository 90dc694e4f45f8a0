"""Risks by a tree of leaves: one record, a list of records, or CSV with a header in; a risk for each out."""

import csv
import io
import json
import os

from leaf_model import LeafModel
from sagemaker_inference.errors import BaseInferenceToolkitError


class BadRequest(BaseInferenceToolkitError):
    def __init__(self, text):
        super().__init__(400, text, text)


def model_fn(model_dir):
    return LeafModel(os.path.join(model_dir, "model.txt"))  # noqa: PTH118


def input_fn(body, content_type):
    kind = content_type.split(";", 1)[0]
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    if kind == "application/json":
        try:
            parsed = json.loads(text)
        except ValueError as error:
            raise BadRequest("invalid JSON") from error
        return [parsed] if isinstance(parsed, dict) else parsed
    if kind == "text/csv":
        return list(csv.DictReader(io.StringIO(text)))
    raise BaseInferenceToolkitError(415, "unsupported", "unsupported content type")


def predict_fn(records, model):
    if not isinstance(records, list) or not records:
        raise BadRequest("no records")
    try:
        rows = [[float(record[name]) for name in model.feature_name()] for record in records]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest("a record lacks a number of " + " ".join(model.feature_name())) from error
    if any(value - value != 0 for row in rows for value in row):
        raise BadRequest("a number is not finite")
    return model.predict(rows)


def output_fn(prediction, accept):
    kinds = [kind.partition(";")[0].strip() for kind in accept.split(",")]
    if "text/csv" in kinds and "application/json" not in kinds:
        return "risk\n" + "".join(f"{one}\n" for one in prediction), "text/csv"
    return json.dumps({"predictions": prediction}), "application/json"
