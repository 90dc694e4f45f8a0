"""The packaged model, loaded and ready: image bytes in, probabilities out."""

import io
import json
import logging
from pathlib import Path

import numpy
import onnxruntime
from contract import mismatch
from graph import read_graph
from PIL import Image

MAX_PIXELS = 4096 * 4096
"""Pixels of an image before it is scaled down; a small file can unpack to gigabytes."""
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")

log = logging.getLogger("app")


class BadImage(ValueError):
    """The upload is no image this app takes."""


class Model:
    """model.onnx with its contract. `problem` says why it is not what this app serves, "" where it is."""

    def __init__(self, directory: Path) -> None:
        self.contract = json.loads((directory / "contract.json").read_text())
        self.labels: list[str] = self.contract["labels"]
        self.samples = sorted((directory / "samples").glob("*.png"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the limit is half a core
        options.enable_cpu_mem_arena = False  # memory goes back after each request; costs about 5 % of the speed
        options.log_severity_level = 3
        path = directory / "model.onnx"
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.problem = mismatch(self.contract, read_graph(path), self.input.shape, self.session.get_outputs()[0].shape)
        wanted = self.contract["input"]
        self.mean, self.std = (numpy.array(wanted[k], dtype=numpy.float32) for k in ("mean", "std"))
        self.height, self.width = wanted["shape"][1:]

    def _pixels(self, upload: bytes) -> numpy.ndarray:
        try:
            image = Image.open(io.BytesIO(upload), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise BadImage(f"the image has {image.width} x {image.height} pixels, {MAX_PIXELS} are the most")
            image.draft("RGB", (self.width, self.height))
            small = image.convert("RGB").resize((self.width, self.height), Image.Resampling.BILINEAR)
        except BadImage:
            raise
        except Exception as error:  # Pillow raises many kinds on broken files
            raise BadImage(f"the upload is no {', '.join(FORMATS)} image") from error
        scaled = (numpy.asarray(small, dtype=numpy.float32) / 255 - self.mean) / self.std
        return scaled.transpose(2, 0, 1)[None].astype(numpy.float32)

    def predict(self, upload: bytes) -> dict[str, float]:
        """Probability of each label. Raises BadImage for what is no image."""
        logits = self.session.run(None, {self.input.name: self._pixels(upload)})[0][0]
        powers = numpy.exp(logits - logits.max())
        return dict(zip(self.labels, (powers / powers.sum()).tolist(), strict=False))
