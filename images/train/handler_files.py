"""Writes the inference handler of a packaged model: code/, and payloads/, the requests to test it with."""

import csv
import io
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy

SOURCE = Path(__file__).with_name("inference.py")
LIBRARIES = ("numpy", "onnxruntime")
"""What the handler imports beside the inference toolkit, which the model server's image brings."""
RIGHT, WRONG = "    return json.dumps(", "    json.dumps("


def write_handler(package: Path) -> None:
    """Write code/ and payloads/ of a package that has its model and held-out images already."""
    code = package / "code"
    code.mkdir()
    shutil.copyfile(SOURCE, code / "inference.py")
    (code / "requirements.txt").write_text("".join(f"{name}=={version(name)}\n" for name in LIBRARIES))
    with numpy.load(package / "holdout.npz", allow_pickle=False) as held:
        images = held["images"][:3]
    write_payloads(package / "payloads", images)


def write_payloads(directory: Path, images: numpy.ndarray) -> None:
    """Write requests with the images, uint8 [N, H, W, 3]; those in negative/ have to be refused."""
    (directory / "negative").mkdir(parents=True)
    (directory / "images.json").write_text(json.dumps({"instances": images[:2].tolist()}))
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(images[:2].reshape(len(images[:2]), -1).tolist())
    (directory / "images.csv").write_text(table.getvalue())
    numpy.save(directory / "images.npy", images, allow_pickle=False)
    (directory / "negative" / "cut-off-image.json").write_text(json.dumps({"instances": images[:1, 1:].tolist()}))
    (directory / "negative" / "words.csv").write_text("this,is,no,image\n")


def break_handler(package: Path) -> None:
    """The scenario `bad-handler`: our handler, whose output_fn computes the JSON answer and forgets to return it.

    It replaces a handler that the package has. Nothing shows the mistake before a client reads `null` in an answer.
    """
    for name in ("code", "payloads"):
        shutil.rmtree(package / name, ignore_errors=True)
    write_handler(package)
    source = package / "code" / "inference.py"
    source.write_text(source.read_text().replace(RIGHT, WRONG))
    print("bad-handler: output_fn returns None for application/json", flush=True)
