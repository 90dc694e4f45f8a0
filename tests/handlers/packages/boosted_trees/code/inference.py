"""Demand by boosted trees: rows of numbers in the order of the features in, numbers out. JSON, CSV, NPY."""

import io
import json
from pathlib import Path

import numpy as np
from booster import Booster
from sagemaker_inference import encoder
from sagemaker_inference.errors import BaseInferenceToolkitError


def model_fn(model_dir):
    return Booster(Path(model_dir) / "xgboost-model.json")


def input_fn(input_data, content_type):
    kind = content_type.partition(";")[0].strip()
    try:
        if kind == "text/csv":
            text = input_data if isinstance(input_data, str) else input_data.decode()
            if not text.strip():
                raise ValueError("no rows")
            data = np.genfromtxt(io.StringIO(text), delimiter=",", ndmin=2)
        elif kind == "application/json":
            data = np.array(json.loads(input_data), dtype=float)
        elif kind == "application/x-npy":
            data = np.load(io.BytesIO(input_data), allow_pickle=False)
        else:
            raise BaseInferenceToolkitError(415, "type", f"{kind} is not supported".encode("ascii", "replace").decode())
    except (ValueError, TypeError, EOFError) as error:
        raise BaseInferenceToolkitError(400, "body", "the body is no table of numbers") from error
    if data.ndim != 2 or np.isnan(data).any():
        raise BaseInferenceToolkitError(400, "body", "the body is no table of numbers")
    return data


def predict_fn(data, model):
    if data.shape[1] != model.num_features():
        raise BaseInferenceToolkitError(400, "width", f"each row needs {model.num_features()} numbers")
    return np.round(model.inplace_predict(data), 6)


def output_fn(prediction, accept):
    return encoder.encode(prediction, accept), accept
