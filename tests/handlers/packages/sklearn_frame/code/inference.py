"""Prices of houses by a pipeline that was trained on named columns: records in, prices out."""

import io
import json
import os

import joblib
import pandas as pd
from sagemaker_inference.errors import BaseInferenceToolkitError


def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "pipeline.joblib"))  # noqa: PTH118


def input_fn(request_body, request_content_type):
    kind = request_content_type.split(";")[0].strip()
    if isinstance(request_body, (bytes, bytearray)):
        request_body = request_body.decode("utf-8", "replace")
    try:
        if kind == "application/json":
            body = json.loads(request_body)
            if isinstance(body, dict) and "columns" in body:
                return pd.DataFrame(body["data"], columns=body["columns"])
            if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
                raise ValueError("no records")
            return pd.DataFrame(body)
        if kind == "text/csv":
            return pd.read_csv(io.StringIO(request_body))
    except (ValueError, TypeError, KeyError) as error:
        text = "the body is no table with a header"
        raise BaseInferenceToolkitError(400, text, text) from error
    text = "only application/json and text/csv are supported"
    raise BaseInferenceToolkitError(415, text, text)


def predict_fn(frame, pipeline):
    wanted = list(pipeline.feature_names_in_)
    missing = [name for name in wanted if name not in frame.columns]
    if missing or frame.empty:
        text = "missing columns: " + ", ".join(missing) if missing else "no rows"
        raise BaseInferenceToolkitError(400, text, text)
    numbers = frame[wanted].apply(pd.to_numeric, errors="coerce")
    if numbers.isna().any().any():
        raise BaseInferenceToolkitError(400, "a value is no number", "a value is no number")
    return pipeline.predict(numbers)


def output_fn(prediction, accept):
    if accept == "text/csv":
        return "\n".join(repr(float(one)) for one in prediction) + "\n", "text/csv"
    return json.dumps({"predictions": [float(one) for one in prediction]}), "application/json"
