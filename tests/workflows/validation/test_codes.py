"""Each code by the examples of its page, and the page's commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway_workflows.validation.codes import CODES
from slipway_workflows.validation.deployment import validate
from slipway_workflows.validation.faults import FAULTS

pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed (pip install -e .[platform])")

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "validation.md").read_text()
SECTIONS = {found[1]: found for found in re.findall(r"^### ((SD\d+) ([a-z-]+))\n(.*?)(?=^### |\Z)", PAGE, re.M | re.S)}


@pytest.fixture(autouse=True)
def _without_checkov(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway_workflows.validation.policies.program", lambda: None)


def codes_of(path: Path, text: str) -> set[str]:
    path.write_text(text)
    return {one.rule.split()[0] for one in validate([path]).findings}


def test_every_code_has_its_section_and_every_section_its_code() -> None:
    assert {code.id: code.name for code in CODES.values()} == {key: found[2] for key, found in SECTIONS.items()}
    assert list(CODES) == sorted(CODES)
    assert len({code.name for code in CODES.values()}) == len(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_has_the_finding_and_the_good_one_has_not(code: str, tmp_path: Path) -> None:
    examples = dict(re.findall(r"```yaml (bad|good)\n(.*?)```", SECTIONS[code][3], re.S))
    assert set(examples) == {"bad", "good"}
    assert code in codes_of(tmp_path / "bad.yaml", examples["bad"])
    assert code not in codes_of(tmp_path / "good.yaml", examples["good"])


def test_every_code_has_a_fault_that_is_planted() -> None:
    assert {fault.code for fault in FAULTS} == set(CODES)


@pytest.mark.acceptance
def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    (commands,) = re.findall(r"```sh run\n(.*?)```", PAGE, re.S)
    for name in ("charts", "images", ".github", "workflows", "compose.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    program = Path(sys.executable).with_name("slipway")
    shell = shutil.which("bash")
    assert shell
    assert program.exists()
    path = f"{program.parent}:/usr/bin:/bin"
    done = subprocess.run(
        [shell, "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env={"PATH": path, "SLIPWAY_CHECKOV": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MISSED" not in done.stdout
    assert f"{len(FAULTS)} of {len(FAULTS)} faults found" in done.stderr
    assert f"plants {len(FAULTS)} faults" in PAGE
