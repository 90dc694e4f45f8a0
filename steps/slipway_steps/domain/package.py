"""The packaged model: the directory that the training program writes (docs/model-package.md)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway_steps.domain.errors import BadInput

GUIDE = "docs/model-package.md says what a packaged model holds"
MODEL, CONTRACT, SAMPLES, HOLDOUT, CODE = "model.onnx", "contract.json", "samples", "holdout.npz", "code"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class Input(_Strict):
    """The model's input. `shape` is [channels, height, width]; a pixel p from 0 to 255 enters as (p / 255 - mean) /
    std.
    """

    name: str
    shape: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Output(_Strict):
    """The model's output: logits, one for each label."""

    name: str


class TrainingData(_Strict):
    """What the model was trained on. `fingerprint` is "sha256:..." of the data, `samples` the number of images."""

    name: str
    fingerprint: str
    samples: int


class Contract(_Strict):
    """What the model declares to be. The app checks this against the graph of the model."""

    architecture: str = Field(min_length=1)
    labels: list[str] = Field(min_length=2)
    input: Input
    output: Output
    training_data: TrainingData


@dataclass(frozen=True)
class Package:
    """A packaged model on disk. `metrics` and `params` are what MLflow shows; `history` has one entry for each
    epoch.
    """

    directory: Path
    contract: Contract
    metrics: dict[str, float]
    params: dict[str, Any]
    history: list[dict[str, float]]

    @property
    def model(self) -> Path:
        """The path of the ONNX file."""
        return self.directory / MODEL

    @property
    def holdout(self) -> Path:
        """The path of the held-out images and labels, which were never seen in training."""
        return self.directory / HOLDOUT

    @property
    def has_handler(self) -> bool:
        """Whether it holds `code/`, with which an inference server can serve it."""
        return (self.directory / CODE).is_dir()

    @property
    def samples(self) -> list[Path]:
        """The paths of a few held-out images, named `<label>-<number>.png` and sorted by name."""
        return sorted((self.directory / SAMPLES).glob("*.png"))


def sample_label(path: Path) -> str:
    """The label of a sample image, which its file name begins with."""
    return path.stem.rsplit("-", 1)[0]


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(), parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise BadInput(f"packaged model {path.parent} has no {path.name}", GUIDE) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"packaged model: {path} cannot be read: {error}", GUIDE) from error


def read_contract(path: Path) -> Contract:
    """The contract in a file. Raises BadInput that names what is wrong."""
    try:
        return Contract.model_validate(_json(path))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadInput(f"{path} is not a valid contract: {faults}", GUIDE) from error


def read_package(directory: Path) -> Package:
    """A packaged model. Its files are checked, but the model is not run. Raises BadInput that names what is wrong."""
    if not directory.is_dir():
        raise BadInput(f"packaged model {directory} is not a directory", GUIDE)
    contract = read_contract(directory / CONTRACT)
    for name in (MODEL, HOLDOUT):
        if not (directory / name).is_file() or (directory / name).stat().st_size == 0:
            raise BadInput(f"packaged model {directory} has no {name}, or an empty one", GUIDE)
    metrics, params, history = (_json(directory / f"{n}.json") for n in ("metrics", "params", "history"))
    if not isinstance(metrics, dict) or not all(isinstance(v, int | float) for v in metrics.values()):
        raise BadInput(f"{directory / 'metrics.json'} is not an object of numbers", GUIDE)
    if not isinstance(params, dict) or not isinstance(history, list):
        raise BadInput(f"{directory}: params.json must be an object and history.json a list", GUIDE)
    package = Package(directory, contract, metrics, params, history)
    if not package.samples:
        raise BadInput(f"packaged model {directory} has no samples/*.png", GUIDE)
    for sample in package.samples:
        if sample_label(sample) not in contract.labels:
            raise BadInput(f"sample {sample.name} is named after a label that the contract does not have", GUIDE)
    return package
