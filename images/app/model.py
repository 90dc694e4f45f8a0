"""The packaged model, ready to use: the bytes of an image in, probabilities out."""

import io
import os
from pathlib import Path

import numpy

# ONNX Runtime reports to its maker unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime
from contract import mismatch, read_contract
from graph import NotOnnx, read_graph
from PIL import Image

MAX_PIXELS = {"PNG": 4096 * 3072, "JPEG": 4096 * 3072, "BMP": 4096 * 3072, "WEBP": 3072 * 2048}
"""Formats taken, and the pixels each may have before it is scaled down: a photo of a phone, and 100 MiB to decode it.
Measured with Pillow 13: 8 bytes a pixel, WebP 16. A file of 30 KiB can unpack to more than the app's memory limit."""
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit is ten times ours, and it would say less clearly what is wrong


class BadImage(ValueError):
    """The upload is not an image that this app accepts."""


class NoAnswer(RuntimeError):
    """The model gave a result that cannot be served."""


class Model:
    """model.onnx with its contract. `problem` says why this app does not serve such a model; "" where it does.

    Raises BadContract or NotOnnx for files that cannot be loaded at all.
    """

    def __init__(self, directory: Path) -> None:
        self.contract = read_contract(directory / "contract.json")
        self.labels: list[str] = self.contract["labels"]
        self.samples = sorted((directory / "samples").glob("*.png"))
        path = directory / "model.onnx"
        graph = read_graph(path)
        self.session = _session(path)
        self.input = self.session.get_inputs()[0]
        shapes = ([port.shape for port in ports] for ports in (self.session.get_inputs(), self.session.get_outputs()))
        self.problem = mismatch(self.contract, graph, *shapes)
        wanted = self.contract["input"]
        self.mean, self.std = (numpy.array(wanted[k], dtype=numpy.float32) for k in ("mean", "std"))
        self.height, self.width = wanted["shape"][1:]

    def _pixels(self, upload: bytes) -> numpy.ndarray:
        try:
            image = Image.open(io.BytesIO(upload), formats=tuple(MAX_PIXELS))  # reads the header only
            _check_size(image)
            image.draft("RGB", (self.width, self.height))  # a JPEG is decoded no larger than it is needed
            small = image.convert("RGB").resize((self.width, self.height), Image.Resampling.BILINEAR)
        except BadImage:
            raise
        except Exception as error:  # Pillow raises many kinds on broken files
            raise BadImage("the upload is no PNG, JPEG, WebP or BMP image, or a damaged one") from error
        scaled = (numpy.asarray(small, dtype=numpy.float32) / 255 - self.mean) / self.std
        return numpy.ascontiguousarray(scaled.transpose(2, 0, 1)[None], dtype=numpy.float32)

    def predict(self, upload: bytes) -> dict[str, float]:
        """The probability of each label. Raises BadImage for bytes that are not an image, NoAnswer where the model's
        result is not finite.
        """
        logits = self.session.run(None, {self.input.name: self._pixels(upload)})[0][0]
        if not numpy.isfinite(logits).all():
            raise NoAnswer("the model gave something that is no number")
        powers = numpy.exp(logits - logits.max())
        return dict(zip(self.labels, (powers / powers.sum()).tolist(), strict=True))


def _check_size(image: Image.Image) -> None:
    allowed = MAX_PIXELS.get(image.format or "", min(MAX_PIXELS.values()))
    if image.width * image.height > allowed:
        raise BadImage(f"the image has {image.width} x {image.height} pixels, at most {allowed} are taken")


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the limit is half a core
    options.log_severity_level = 4  # what fails is raised; its own lines say the same again
    try:
        # without a fallback: there is one provider, and trying it twice prints a banner
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # ONNX Runtime's own exceptions share no base class
        raise NotOnnx(f"{path.name} cannot be loaded: {str(error).splitlines()[0]}") from error
