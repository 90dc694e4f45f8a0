"""The training program, as it is called."""

import json
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy
import onnxruntime
import pytest
from PIL import Image
from sampling import for_acceptance

from slipway_steps.domain.package import read_package
from slipway_steps.settings import PROJECT_ROOT

TRAIN = PROJECT_ROOT / "images" / "train" / "train.py"


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TRAIN), *arguments], capture_output=True, text=True, check=False)


def logits(package: Path) -> numpy.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(package / "model.onnx"), options, providers=["CPUExecutionProvider"])
    with numpy.load(package / "holdout.npz") as held:
        images = (held["images"][:64].astype(numpy.float32) / 255 - 0.5) / 0.5
    found: numpy.ndarray = session.run(None, {"image": images.transpose(0, 3, 1, 2)})[0]
    return found


@pytest.mark.parametrize(
    ("trained", "architecture"),
    [("trained_package", "mobilenet_v2"), for_acceptance("resnet_package", "resnet_small")],
)
def test_it_really_learns(trained: str, architecture: str, request: pytest.FixtureRequest) -> None:
    package = read_package(request.getfixturevalue(trained))
    assert package.contract.architecture == architecture
    assert package.metrics["holdout_accuracy"] >= 0.95
    assert package.history[0]["train_loss"] > package.history[-1]["train_loss"]
    with numpy.load(package.holdout, allow_pickle=False) as held:
        assert held["images"].shape[0] == 360


@pytest.mark.acceptance
def test_slow_and_oversized_answer_the_same(packaged: Callable[..., Path], trained_package: Path) -> None:
    wanted = logits(trained_package)
    for scenario in ("slow", "oversized"):
        package = packaged(scenario, f"--scenario={scenario}", f"--package={trained_package}")
        assert numpy.allclose(logits(package), wanted, atol=1e-4), scenario
    assert (packaged("oversized") / "model.onnx").stat().st_size > 200 * 2**20
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(packaged("slow") / "model.onnx"), options)
    started = time.process_time()
    session.run(None, {"image": numpy.zeros((1, 3, 24, 24), numpy.float32)})
    assert time.process_time() - started > 0.12, "the costly branch was optimised away"


@pytest.mark.acceptance
def test_folders_of_images_are_data_too(tmp_path: Path) -> None:
    random = numpy.random.default_rng(0)
    for number, label in enumerate(("bread", "soup")):
        (tmp_path / "food" / label).mkdir(parents=True)
        for index in range(10):
            pixels = random.integers(0, 99, (40, 30, 3)) + 150 * number
            Image.fromarray(pixels.astype(numpy.uint8)).save(tmp_path / "food" / label / f"{index}.png")
    done = train(f"--dataset={tmp_path / 'food'}", f"--output={tmp_path / 'package'}", "--scenario=bad-architecture")
    assert done.returncode == 0, done.stderr
    package = read_package(tmp_path / "package")
    assert package.contract.labels == ["bread", "soup"]
    # the longest side of the images, which are not enlarged
    assert package.contract.input.shape == (3, 40, 40)


@pytest.mark.parametrize(("side", "wanted"), [(8, 24), (64, 64), (300, 128)])
def test_images_of_a_folder_keep_their_size_within_bounds(tmp_path: Path, side: int, wanted: int) -> None:
    data = runpy.run_path(str(TRAIN.with_name("data.py")))
    for label in ("bread", "soup"):
        (tmp_path / label).mkdir()
        for index in range(6):
            Image.new("RGB", (side, side - 2), (index * 9, 0, 0)).save(tmp_path / label / f"{index}.png")
    assert data["load"](str(tmp_path), 0).train_images.shape[1:] == (wanted, wanted, 3)


@pytest.mark.parametrize("content", [None, "empty", "one class", "no image"])
def test_missing_data_is_one_line_and_nothing_is_left(tmp_path: Path, content: str | None) -> None:
    data = tmp_path / "data"
    if content:
        data.mkdir()
    if content == "one class":
        (data / "a").mkdir()
    if content == "no image":
        for label in "ab":
            (data / label).mkdir()
            for index in range(3):
                (data / label / f"{index}.png").write_text("no image")
    done = train(f"--dataset={data}", f"--output={tmp_path / 'package'}")
    assert done.returncode == 1
    assert done.stderr.startswith("error: dataset ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "package").exists()


def test_the_contract_names_its_data(trained_package: Path) -> None:
    contract = json.loads((trained_package / "contract.json").read_text())
    assert contract["training_data"]["fingerprint"].startswith("sha256:")
    assert contract["training_data"]["samples"] == 1437
