"""A dense network: rows in, probabilities of the classes out. The toolkit's own decoder and encoder do the formats."""

import numpy as np
from network import Sequential
from sagemaker_inference import content_types, decoder, encoder
from sagemaker_inference.errors import BaseInferenceToolkitError

CLASSES = ("low", "middle", "high")


def pre_model_fn(model_dir):
    np.seterr(all="ignore")


def model_fn(model_dir):
    return Sequential(f"{model_dir}/network.weights.npz")


def input_fn(data, content_type):
    kind = content_type.partition(";")[0].strip()
    if kind not in (content_types.JSON, content_types.CSV, content_types.NPY):
        raise BaseInferenceToolkitError(415, "unsupported", "unsupported content type")
    if kind == content_types.NPY and bytes(data[:6]) != b"\x93NUMPY":
        raise BaseInferenceToolkitError(400, "body", "the body is no array")
    if kind != content_types.NPY and not isinstance(data, str):
        data = bytes(data).decode("utf-8", "replace")
    try:
        rows = decoder.decode(data, kind)
        rows = np.asarray(rows, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise BaseInferenceToolkitError(400, "body", "the body holds no rows of numbers") from error
    rows = rows[None, :] if rows.ndim == 1 and kind == content_types.CSV else rows
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise BaseInferenceToolkitError(400, "body", "the body holds no rows of numbers")
    return rows


def predict_fn(data, model):
    width = model.input_shape[1]
    if data.shape[1] != width:
        raise BaseInferenceToolkitError(400, "width", f"each row needs {width} numbers")
    return model.predict(data).round(6)


def output_fn(prediction, accept):
    return encoder.encode(prediction, accept), accept
