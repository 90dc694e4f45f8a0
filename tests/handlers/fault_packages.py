"""Packages with one fault each: the valid package, changed as the tables beside it say."""

import io
import json
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from slipway_steps.domain.handler import Fault, InferenceHandlerSpec, InferenceTestResult
from slipway_steps.handlers.pipeline import test_inference_pipeline as run_test

FAULTS = Path(__file__).parent / "faults"
ROWS = [[1.5, 2.25, 3.0], [4.0, 0.5, 6.5], [0.25, 7.0, 1.75]]
TYPES = ["application/json", "text/csv"]


@dataclass(frozen=True)
class Case:
    """A package with one fault. `codes` are the names that are right for it; `at` is the text of the line at fault, as
    part of the line; "" where the package has no such line. `said`: what the message tells. `answer`: the status and
    the body that one of the requests gets from the real server.

    `edit` are pairs of old and new text of inference.py, `inference` is all of it; `files` are written, `remove` are
    taken away. `spec` are settings of the test.
    """

    name: str
    codes: list[str]
    at: str = ""
    said: str = ""
    answer: str = ""
    edit: list[list[str]] = field(default_factory=list)
    inference: str = ""
    files: dict[str, str] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    spec: dict[str, Any] = field(default_factory=dict)


def read_cases(folder: str) -> list[Case]:
    """All cases in the tables of a directory."""
    tables = [tomllib.loads(path.read_text()) for path in sorted((FAULTS / folder).glob("*.toml"))]
    return [Case(name, **told) for table in tables for name, told in table.items()]


def make_valid(directory: Path) -> Path:
    """Write the valid package, with its model and samples."""
    shutil.copytree(FAULTS / "valid", directory, ignore=shutil.ignore_patterns("__pycache__"))
    numpy.savez(directory / "model.npz", weights=numpy.array([0.5, -1.25, 2.0]), bias=numpy.array(0.75))
    (directory / "model.json").write_text(json.dumps({"weights": [0.5, -1.25, 2.0], "bias": 0.75}))
    payloads = directory / "payloads"
    (payloads / "negative").mkdir(parents=True)
    (payloads / "rows.json").write_text(json.dumps({"instances": ROWS}))
    (payloads / "rows.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in ROWS))
    array = io.BytesIO()
    numpy.save(array, numpy.array(ROWS))
    (payloads / "rows.npy").write_bytes(array.getvalue())
    (payloads / "negative" / "words.json").write_text('{"instances": [["one", "two", "three"]]}')
    return directory


def make_case(case: Case, directory: Path) -> Path:
    """Write the package of a case."""
    make_valid(directory)
    module = directory / "code" / "inference.py"
    source = case.inference or module.read_text()
    for old, new in case.edit:
        assert source.count(old) == 1, f"{case.name}: {old!r} is {source.count(old)} times in the handler"
        source = source.replace(old, new)
    module.write_text(source)
    for name, text in case.files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    for name in case.remove:
        path = directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return directory


def run_package(package: Path, store: Path, **settings: Any) -> InferenceTestResult:
    """Test a package with settings that are quick."""
    given = {"supported_accept_types": TYPES, "request_timeout": 10.0, "timeout": 120.0, **settings}
    spec = InferenceHandlerSpec(handler_name="scorer", step_name="Registration", packaged_model_path=package, **given)
    return run_test(spec, store=store)


def found_first(result: InferenceTestResult, case: Case) -> Fault | None:
    """The fault that the test names first; for a case of a remark, the first remark of these names."""
    if result.rejections:
        return result.rejections[0]
    return next((fault for fault in result.faults if fault.code in case.codes), None)
