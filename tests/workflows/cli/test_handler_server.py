"""`slipway test-handler --server`: what the real server answered stands below the verdict."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from recorded_answers import package

from slipway_workflows.cli.handlers import test_handler as command

VALID = "def model_fn(model_dir): return 3\ndef predict_fn(data, model): return data * model\n"


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **code: str) -> Result:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / ".slipway"))
    directory = package(tmp_path / "model", VALID)
    for name, text in code.items():
        (directory / "code" / f"{name}.py").write_text(text)
    (directory / "payloads").mkdir()
    (directory / "payloads" / "row.json").write_text("[[1, 2]]")
    return CliRunner().invoke(command, [str(directory), "--server"], standalone_mode=False)


@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed: default-jre-headless")
def test_the_real_server_answers_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(tmp_path, monkeypatch)
    assert "the real server answers all samples the same" in result.output
    assert "differs" not in result.output


def test_a_package_that_no_worker_starts_with_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(tmp_path, monkeypatch, json="x = 1\n")
    assert "rejected: shadows-module" in result.output
    assert "the real server was not asked" in result.output
    assert result.return_value == 2
