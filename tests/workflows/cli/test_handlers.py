"""`slipway test-handler`: its options, its exit codes, and one clear line for what it cannot use."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
from handler_code import body, code_package
from junitparser import Failure, JUnitXml

from slipway_steps.domain.handler import InferenceTestResult
from slipway_steps.settings import Settings
from slipway_workflows.cli import main

STRANGE = r"raise ValueError('\x1b[31m \x00 \udcff <b> two\nlines')"
REJECTED = "def output_fn(prediction, accept):\n    return None"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLIPWAY_HOME", raising=False)
    return tmp_path / ".slipway"


def package(directory: Path, payload: str | None = "[1, 2]", **parts: str) -> Path:
    made = code_package(directory, **parts)
    if payload is not None:
        (made / "payloads").mkdir()
        (made / "payloads" / "one.json").write_text(payload)
    return made


def leftovers(home: Path) -> list[str]:
    """What lies in the store beside packages, their seals and reports."""
    known = {"package", "package.seal", "package.lock", "report.html"}
    places = list((home / "handlers").iterdir()) if (home / "handlers").is_dir() else []
    return [str(one) for place in places for one in place.iterdir() if one.name not in known] + [
        place.name for place in places if place.name.startswith("scratch-")
    ]


def test_a_good_handler_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    package(tmp_path / "good")
    assert main(["test-handler", "good"]) == 0
    found = capsys.readouterr()
    assert found.out.startswith("good sha256:")
    assert "\npassed\nreport: " in found.out
    assert found.err == ""
    report = Path(found.out.splitlines()[-1].removeprefix("report: "))
    assert "The handler passed" in report.read_text()
    assert leftovers(home) == []


def test_the_directory_that_one_stands_in_has_a_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(package(tmp_path / "good"))
    assert main(["test-handler", "."]) == 0
    assert capsys.readouterr().out.startswith("good sha256:")


def test_a_rejected_handler_names_its_fault_and_gives_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package(tmp_path / "bad", output_fn=REJECTED)
    assert main(["test-handler", "bad"]) == 2
    found = capsys.readouterr().out
    assert "rejected: output-none: " in found
    assert "code/inference.py:" in found


def test_without_samples_nothing_is_known_and_samples_may_be_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package(tmp_path / "good", None)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.json").write_text("[1]")
    assert main(["test-handler", "good"]) == 1
    assert "inconclusive: no samples" in capsys.readouterr().out
    assert main(["test-handler", "good", "--samples", "samples"]) == 0


def test_the_whole_time_is_no_fault_of_the_handler(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package(tmp_path / "slow", predict_fn=body("time.sleep(30)"))
    assert main(["test-handler", "slow", "--timeout", "2"]) == 1
    assert "inconclusive: the time for the whole test is over" in capsys.readouterr().out


def test_a_small_memory_rejects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package(tmp_path / "big", model_fn="def model_fn(model_dir):\n    return bytes(b'1' * (600 << 20))")
    assert main(["test-handler", "big", "--memory", "200Mi"]) == 2
    assert "killed above 200 MiB" in capsys.readouterr().out


def test_several_workers_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package(tmp_path / "good")
    assert main(["test-handler", "good", "--workers", "3"]) == 0
    assert "passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "name one package"),
        (["good", "--model-version", "7"], "name one package"),
        (["none.tar.gz"], "none.tar.gz"),
        (["empty.tar.gz"], "empty.tar.gz"),
        (["text.tar.gz"], "text.tar.gz"),
        (["good", "--samples", "nowhere"], "no directory of samples nowhere"),
        (["good", "--memory", "much"], "--memory"),
        (["good", "--memory", "1e999"], "between 1Mi and 1Pi"),
        (["good", "--memory", "nan"], "--memory"),
        (["good", "--memory=-1Gi"], "between 1Mi and 1Pi"),
        (["good", "--memory", "10Mi"], "killed above 10 MiB"),
        (["good", "--timeout", "nan"], "--timeout nan"),
        (["good", "--timeout", "inf"], "--timeout inf"),
        (["good", "--workers", "17"], "--workers"),
        (["good", "--output", "xml"], "--output"),
        (["good", "--python", "/no/python"], "/no/python cannot be started"),
        (["good", "--generate-samples"], "--samples"),
        (["good", "--pipeline", "p.json"], "--pipeline does not go with a package"),
        (["--pipeline", "p.json", "--workers", "2"], "--pipeline does not go with --workers"),
        (["good", "--watch", "--output", "json"], "--watch does not go with --output"),
        (["text.tar.gz", "--watch"], "--watch needs the files that you edit"),
        (["--pipeline", "none.json"], "none.json cannot be read"),
        (["--pipeline", "text.tar.gz"], "is no pipeline"),
        (["bad-samples"], "samples.json"),
        (["good", "--install"], "cannot be installed"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    argv: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    package(tmp_path / "good")
    (tmp_path / "good" / "code" / "requirements.txt").write_text("./no-such-wheel.whl\n")
    package(tmp_path / "bad-samples")
    (tmp_path / "bad-samples" / "payloads" / "samples.json").write_text("{")
    (tmp_path / "empty.tar.gz").write_bytes(b"")
    (tmp_path / "text.tar.gz").write_text("no archive")
    assert main(["test-handler", *argv]) == 1
    found = capsys.readouterr()
    assert found.err.startswith("error: ")
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert found.out == ""
    assert leftovers(home) == []


def test_each_format_is_whole_whatever_the_handler_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package(tmp_path / "strange", predict_fn=body(STRANGE))
    found = {}
    for output in ("json", "junit", "sarif", "text"):
        assert main(["test-handler", "strange", "--output", output]) == 2
        captured = capsys.readouterr()
        found[output] = captured.out
        assert (captured.err.startswith("report: ")) is (output != "text")
    result = InferenceTestResult.model_validate_json(found["json"])
    assert [one.code for one in result.rejections] == ["non-ascii-error"]
    suites = JUnitXml.fromroot(ET.fromstring(found["junit"].encode()))
    assert (suites.failures > 0, suites.errors) == (True, 0)
    assert any(isinstance(one, Failure) for suite in suites for case in suite for one in case.result)
    (run,) = json.loads(found["sarif"])["runs"]
    assert {one["ruleId"] for one in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert "\x1b" not in found["text"]
    (line,) = [line for line in found["text"].splitlines() if line.startswith("rejected: ")]
    assert "<b>" in line


WHEEL = {
    "slipway_test_wheel.py": "ANSWER = 42\n",
    "slipway_test_wheel-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: slipway-test-wheel\nVersion: 1.0\n",
    "slipway_test_wheel-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "slipway_test_wheel-1.0.dist-info/RECORD": "",
}


@pytest.mark.acceptance
def test_requirements_are_installed_beside_the_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wheel = tmp_path / "slipway_test_wheel-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in WHEEL.items():
            archive.writestr(name, text)
    good = package(
        tmp_path / "good",
        head="import json\nimport slipway_test_wheel",
        predict_fn=body("return [slipway_test_wheel.ANSWER for _ in data]"),
    )
    (good / "code" / "requirements.txt").write_text(f"slipway-test-wheel @ {wheel.as_uri()}\n")
    assert main(["test-handler", "good"]) == 1
    assert "slipway_test_wheel of code/requirements.txt is not installed" in capsys.readouterr().out
    assert main(["test-handler", "good", "--install"]) == 0, capsys.readouterr()
    wheel.unlink()
    assert main(["test-handler", "good", "--install"]) == 0, "it is installed once"
    (place,) = (home / "handlers").iterdir()
    assert [one.name.partition("-")[0] for one in place.iterdir() if one.is_dir()] in (
        ["package", "libraries"],
        ["libraries", "package"],
    )


def test_requirements_do_not_see_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a secret")
    good = package(tmp_path / "good")
    source = tmp_path / "source"
    source.mkdir()
    told = tmp_path / "told.json"
    (source / "setup.py").write_text(
        f"import json, os\njson.dump(dict(os.environ), open({str(told)!r}, 'w'))\nassert 0"
    )
    (good / "code" / "requirements.txt").write_text(f"it @ {source.as_uri()}\n")
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")
    assert main(["test-handler", "good", "--install"]) == 1
    if told.exists():  # a setuptools is there to run it
        assert "a secret" not in told.read_text()


def test_a_report_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    package(tmp_path / "good")
    assert main(["test-handler", "good"]) == 0
    (report,) = home.glob("handlers/*/report.html")
    report.unlink()
    report.mkdir()
    capsys.readouterr()
    assert main(["test-handler", "good"]) == 1
    assert "the report could not be written" in capsys.readouterr().err
    assert leftovers(home) == []


def test_the_help_needs_no_toolkit() -> None:
    code = (
        "import sys; from slipway_workflows.cli import main; main(['test-handler', '--help'])\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--generate-samples" in done.stdout
    for heavy in ("mlflow", "numpy", "mms", "sagemaker_inference", "pyarrow"):
        assert f"'{heavy}'" not in done.stderr, heavy


def test_the_package_of_a_registered_version_is_tested(
    trained_package: Path, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    from slipway_steps.adapters.mlflow.registry import MlflowRegistry

    registry = MlflowRegistry(Settings(home=home))
    run = registry.log_package("release-1", trained_package)
    version = registry.register(run)
    capsys.readouterr()
    assert main(["test-handler", "--model-version", version]) == 0, capsys.readouterr()
    assert "passed" in capsys.readouterr().out
    assert main(["test-handler", "--model-version", "99"]) == 1
    assert "99" in capsys.readouterr().err
    assert leftovers(home) == []
