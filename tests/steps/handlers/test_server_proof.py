"""`--server`: the real server answers the samples as the handler's process does, and each difference is told."""

import shutil
from pathlib import Path

import pytest
from recorded_answers import package

from slipway_steps.adapters.handlers.server import ModelServer, ServerAnswer
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.handlers.server_proof import compare_with_server
from slipway_steps.handlers.session import open_handler

java = pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed: default-jre-headless")
VALID = "def model_fn(model_dir): return 3\ndef predict_fn(data, model): return data * model\n"
ODD = """
import os
def model_fn(model_dir): return 3
def input_fn(data, content_type):
    if data == "die": os._exit(3)
    if data == "wrong": raise ValueError("wrong")
    return [len(data)]
def predict_fn(data, model): return data
"""
ELSEWHERE = """
import os, sys
def model_fn(model_dir): return os.environ.get("LOG_LOCATION") is not None
def predict_fn(data, model):
    if model: raise ValueError("in the server alone")
    return data
"""


def compare(tmp_path: Path, source: str, **samples: str) -> list[str]:
    directory = package(tmp_path / "model", source)
    (directory / "payloads").mkdir()
    for name, text in samples.items():
        (directory / "payloads" / f"{name}.csv").write_text(text)
    spec = InferenceHandlerSpec(
        handler_name="h", step_name="s", packaged_model_path=directory, request_timeout=30, timeout=120
    )
    with open_handler(spec, tmp_path / "store") as session:
        return compare_with_server(session)


@java
def test_a_handler_that_fails_and_dies_answers_alike_in_both(tmp_path: Path) -> None:
    assert compare(tmp_path, ODD, works="1,2\n", fails="wrong", kills="die", last="1\n") == []


@pytest.mark.acceptance
@java
def test_what_was_not_sent_is_not_compared(tmp_path: Path) -> None:
    kills = {f"kills-{number}": "die" for number in range(2)}
    assert compare(tmp_path, ODD, **kills, works="1,2\n") == []


@java
def test_a_difference_is_told_with_both_answers(tmp_path: Path) -> None:
    said = "one.csv as {0}: the real server gives 500 `in the server alone`, the handler's process 200 {0} `{1}`"
    assert compare(tmp_path, ELSEWHERE, one="1,2\n3,4\n") == [
        said.format("application/json", "[[1, 2], [3, 4]]"),
        said.format("text/csv", "1,2\n3,4\n"),
    ]


def test_a_server_that_gives_no_answer_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Silent(ModelServer):
        def __init__(self) -> None:
            super().__init__(1)

        def __enter__(self) -> "Silent":
            return self

        def __exit__(self, *_: object) -> None: ...

        def ask(self, body: bytes, *_: object, timeout: float, **__: object) -> ServerAnswer:
            asked.append(timeout)
            return ServerAnswer(0, no_answer="timed out")

    monkeypatch.setattr("slipway_steps.handlers.server_proof.model_server", lambda *_, **__: Silent())
    found = compare(tmp_path, VALID, one="1,2\n")
    assert len(found) == 2
    assert "one.csv as text/csv: the real server gives no answer (timed out), the handler's process 200" in found[1]
    assert asked == [30, 30]
    assert compare(tmp_path / "dies", "import os\ndef model_fn(d): os._exit(3)\n", one="1,2\n") == []
    assert asked == [30, 30, 15]  # one request tells it, and the others would wait as long


def test_without_samples_no_server_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert compare(tmp_path / "none", VALID) == []
    with pytest.raises(BadInput, match="default-jre-headless"):
        compare(tmp_path / "one", VALID, one="1,2\n")
