"""A packaged model that an image store takes: it never runs one."""

import json
import os
from pathlib import Path


def make_package(directory: Path, sample: str = "a-1.png", mib: float = 0.1) -> Path:
    """A packaged model that the store takes: it never runs one."""
    (directory / "samples").mkdir(parents=True)
    label = sample.rsplit("-", 1)[0]
    contract = {
        "architecture": "mobilenet_v2",
        "labels": [label, "other"],
        "input": {"name": "image", "shape": [3, 8, 8], "mean": [0.5] * 3, "std": [0.5] * 3},
        "output": {"name": "logits"},
        "training_data": {"name": "none", "fingerprint": "sha256:0", "samples": 1},
    }
    (directory / "contract.json").write_text(json.dumps(contract))
    for name, content in (("metrics", "{}"), ("params", "{}"), ("history", "[]")):
        (directory / f"{name}.json").write_text(content)
    (directory / "model.onnx").write_bytes(os.urandom(int(mib * 2**20)))
    (directory / "holdout.npz").write_bytes(b"x")
    (directory / "samples" / sample).write_bytes(b"png")
    return directory
