"""Faults that only the real server's front end and worker make visible are named, with their line."""

from pathlib import Path

import pytest
from recorded_answers import package

from slipway_steps.domain.handler import InferenceHandlerSpec, InferenceTestResult
from slipway_steps.domain.verdict import Verdict
from slipway_steps.handlers.pipeline import test_inference_pipeline

HANDLER = """
import sys
import io
from sagemaker_inference.errors import BaseInferenceToolkitError


def model_fn(model_dir):
    return 3


def input_fn(data, content_type):
    return [[float(cell) for cell in line.split(",")] for line in data.split()]


def predict_fn(data, model):
    return [model * sum(row) for row in data]
"""


def result_of(tmp_path: Path, source: str, expected: str = "") -> InferenceTestResult:
    directory = package(tmp_path / "model", source)
    (directory / "payloads").mkdir()
    (directory / "payloads" / "rows.csv").write_text("1,2\n3,4\n")
    if expected:
        (directory / "payloads" / "samples.json").write_text(expected)
    spec = InferenceHandlerSpec(
        handler_name="h",
        step_name="s",
        packaged_model_path=directory,
        supported_content_types=["text/csv"],
        supported_accept_types=["application/json"],
    )
    return test_inference_pipeline(spec, store=tmp_path / "store", quick=True)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        (
            "    return 3",
            "    sys.stdout = io.StringIO()\n    return 3",
            "output-replaced",
            "sys.stdout = io.StringIO()",
        ),
        ("    return 3", "    sys.stderr.close()\n    return 3", "output-replaced", "sys.stderr.close()"),
        (
            "import io",
            "import io, argparse\nargparse.ArgumentParser().parse_args()",
            "exit",
            "argparse.ArgumentParser().parse_args()",
        ),
        (
            "    return [model",
            "    raise BaseInferenceToolkitError(99, 'm', 'p')\n    return [model",
            "no-answer",
            "raise BaseInferenceToolkitError(99, 'm', 'p')",
        ),
    ],
    ids=["stdout replaced", "stderr closed", "arguments read", "status of no client"],
)
def test_what_only_the_server_shows(tmp_path: Path, old: str, new: str, code: str, line: str) -> None:
    assert result_of(tmp_path / "valid", HANDLER).verdict is Verdict.PASS
    result = result_of(tmp_path / "broken", HANDLER.replace(old, new))
    fault = result.rejections[0]
    assert (result.verdict, fault.code, fault.place and fault.place.text) == (Verdict.REJECT, code, line)
    assert fault.advice


def test_a_negative_sample_that_gets_no_answer_is_not_refused(tmp_path: Path) -> None:
    source = HANDLER.replace(
        "    return [model", "    raise BaseInferenceToolkitError(99, 'm', 'p')\n    return [model"
    )
    expected = '{"rows.csv": {"should_succeed": false}}'
    result = result_of(tmp_path, source, expected)
    assert [fault.code for fault in result.rejections] == ["no-answer"]


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("", "inference.py is at the root of the archive, where only multi-model-server finds it, by chance"),
        ("model/code", "the handler is at model/code/inference.py"),
    ],
)
def test_a_handler_outside_of_code_is_told_by_its_place(tmp_path: Path, folder: str, message: str) -> None:
    directory = tmp_path / "model" / folder
    directory.mkdir(parents=True)
    (directory / "inference.py").write_text(HANDLER)
    spec = InferenceHandlerSpec.create_default("h", "s", tmp_path / "model")
    (fault,) = test_inference_pipeline(spec, store=tmp_path / "store").rejections
    assert fault.code == "no-code"
    assert fault.message.startswith(message)
