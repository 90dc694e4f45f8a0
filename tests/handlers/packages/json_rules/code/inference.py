"""Credit decisions by rules, with Python's standard library alone: records with three fields in, decisions out."""

import csv
import io
import json
import math
from pathlib import Path

from sagemaker_inference.errors import BaseInferenceToolkitError

COLUMNS = ["age", "income", "debt"]


def model_fn(model_dir):
    return json.loads((Path(model_dir) / "rules.json").read_text())


def number(value):
    if isinstance(value, bool) or value is None:
        raise ValueError("no number")
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("no finite number")
    return found


def records(data, kind):
    text = data if isinstance(data, str) else data.decode()
    if kind == "application/json":
        body = json.loads(text)
        return body if isinstance(body, list) else [body]
    if kind == "text/csv":
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
        if lines and lines[0] == COLUMNS:
            lines = lines[1:]
        return [dict(zip(COLUMNS, line, strict=True)) for line in lines]
    raise BaseInferenceToolkitError(415, "send application/json or text/csv", "send application/json or text/csv")


def input_fn(data, content_type):
    try:
        found = records(data, content_type.partition(";")[0].strip())
        rows = [{name: number(record[name]) for name in COLUMNS} for record in found]
    except (ValueError, TypeError, KeyError) as error:
        raise BaseInferenceToolkitError(400, "bad record", "send records with age, income and debt") from error
    if not rows:
        raise BaseInferenceToolkitError(400, "no rows", "the body has no rows")
    return rows


def predict_fn(rows, rules):
    def decide(row):
        if row["age"] < rules["least_age"]:
            return "refuse"
        return "grant" if row["income"] > rules["debt_factor"] * row["debt"] else "review"

    return [decide(row) for row in rows]


def output_fn(decisions, accept):
    if accept == "text/csv":
        return "\n".join(decisions) + "\n", "text/csv"
    return json.dumps({"predictions": decisions}), "application/json"
