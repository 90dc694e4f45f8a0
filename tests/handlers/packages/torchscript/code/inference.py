"""A small network as TorchScript: rows of five numbers in, one score for each out."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from sagemaker_inference import errors

torch.set_num_threads(1)


def model_fn(model_dir):
    model = torch.jit.load(str(Path(model_dir) / "model.pt"), map_location="cpu")
    return model.eval()


def input_fn(data, content_type):
    kind = content_type.split(";")[0]
    try:
        if kind == "application/json":
            values = json.loads(data)
            tensor = torch.tensor(values["instances"] if isinstance(values, dict) else values, dtype=torch.float32)
        elif kind == "text/csv":
            text = data if isinstance(data, str) else data.decode()
            tensor = torch.from_numpy(np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2, dtype=np.float32))
        elif kind == "application/x-npy":
            tensor = torch.from_numpy(np.load(io.BytesIO(data), allow_pickle=False).astype(np.float32))
        else:
            raise errors.BaseInferenceToolkitError(415, "unsupported content type", "unsupported content type")
    except (ValueError, TypeError, KeyError, RuntimeError, EOFError) as error:
        raise errors.BaseInferenceToolkitError(400, "unreadable body", "unreadable body") from error
    if tensor.dim() != 2 or tensor.shape[1] != 5 or not torch.isfinite(tensor).all():
        raise errors.BaseInferenceToolkitError(400, "send rows of 5 numbers", "send rows of 5 numbers")
    return tensor


def predict_fn(data, model):
    with torch.inference_mode():
        return model(data).squeeze(1)


def output_fn(prediction, accept):
    scores = [round(value, 5) for value in prediction.tolist()]
    if accept == "text/csv":
        return "".join(f"{score}\n" for score in scores), accept
    return json.dumps(scores), "application/json"
