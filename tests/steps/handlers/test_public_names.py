"""What `slipway_steps.handlers` offers, and that pytest takes none of it for a test."""

import subprocess
import sys
from pathlib import Path

import pytest
from handler_code import code_package

from slipway_steps import handlers

TESTS = """
from slipway_steps.handlers import *
from slipway_workflows.cli.handlers import test_handler
from slipway_workflows.cli.handler_pipeline import test_pipeline

def test_own():
    pass
"""


def test_all_names_are_there() -> None:
    assert [name for name in handlers.__all__ if not hasattr(handlers, name)] == []
    functions = {name for name in handlers.__all__ if name.startswith("test_")}
    assert functions == {
        "test_inference_function",
        "test_inference_pipeline",
        "test_script_to_inference_compatibility",
        "test_pipeline_with_inference",
    }


def test_pytest_collects_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "test_users.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if "::" in line] == ["test_users.py::test_own"], done.stdout


def test_a_session_tells_what_the_package_holds(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    (package / "model.bin").write_bytes(b"1")
    (package / "payloads").mkdir()
    (package / "payloads" / "one.json").write_text("[1]")
    spec = handlers.create_inference_handler_spec("h", package)
    with handlers.open_handler(spec, tmp_path / "store") as session:
        at = session.package
        assert session.spec.model_paths == {"model.bin": str(at / "model.bin")}
        assert session.spec.code_paths == {"inference.py": str(at / "code" / "inference.py")}
        assert session.spec.data_paths == {"payloads": str(at / "payloads")}


def test_the_watchdog_of_the_settings_limits_a_handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_LIMITS", "watchdog")
    spec = handlers.create_inference_handler_spec("h", code_package(tmp_path / "package"))
    with handlers.open_handler(spec, tmp_path / "store") as session:
        assert session.worker.process.control.name == "watchdog"
