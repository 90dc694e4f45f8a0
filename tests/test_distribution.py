"""A plain install, not the editable one of a checkout: what it carries, and that its version is the one everywhere."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from slipway_steps import __version__
from slipway_steps.settings import PROJECT_ROOT

FILES = ("LICENSE", "NOTICE", "README.md", "pyproject.toml", "setup.py")
DIRECTORIES = ("images/app", "images/train", "steps", "workflows")
CHARTS = {"model-app": (), "platform": (), "slipway": ("appVersion",)}
"""Chart -> fields of its Chart.yaml, besides `version`, that name Slipway's version."""


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    for name in (*FILES, *DIRECTORIES):
        source, target = PROJECT_ROOT / name, directory / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, target)
    pip("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(directory), str(directory / "source"))
    (found,) = directory.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    target = wheel.parent / "site"
    pip("install", "-q", "--no-deps", "--no-compile", "--target", str(target), str(wheel))
    return target


def slipway(site: Path, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program in `directory`; the libraries are those of this environment."""
    code = "import sys; from slipway_workflows.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_our_packages_are_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "slipway_steps",
        "slipway_workflows",
        f"slipway-{__version__}.dist-info",
    }
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.acceptance
def test_an_installed_slipway_has_its_catalog(site: Path, tmp_path: Path) -> None:
    listed = slipway(site, tmp_path, "list")
    assert listed.returncode == 0, listed.stderr
    wrong = slipway(site, tmp_path, "run", "release-model", "-p", "scenario=nonsense")
    assert "flaky-metrics" in wrong.stderr, wrong.stderr
    rendered = slipway(site, tmp_path, "render", "--check")
    assert rendered.returncode == 0, rendered.stdout + rendered.stderr
    assert __version__ in slipway(site, tmp_path, "--version").stdout
    assert (site / "slipway_steps" / "project" / "workflows" / "perf" / "scenarios" / "training.json").is_file()


def test_an_installed_slipway_has_its_programs(site: Path, tmp_path: Path) -> None:
    code = (
        "from slipway_steps.settings import Settings as S;"
        "from slipway_workflows.engine.manifests.images import STAND_INS;"
        "s = S(); print(s.train_directory / 'train.py', s.train_directory / 'evaluation' / 'test_model_accuracy.py',"
        " s.app_directory / 'serve.py', STAND_INS / 'argosay', sep='\\n')"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )
    paths = [Path(line) for line in found.stdout.splitlines()]
    assert all(path.is_file() and path.is_relative_to(site) for path in paths), found.stdout
    assert os.access(paths[-1], os.X_OK)


def test_the_installed_distribution_has_the_version_of_the_package() -> None:
    assert version("slipway") == __version__


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_has_the_version_of_the_package(chart: str) -> None:
    found = yaml.safe_load((PROJECT_ROOT / "charts" / chart / "Chart.yaml").read_text())
    assert [found[field] for field in ("version", *CHARTS[chart])] == [__version__] * (1 + len(CHARTS[chart]))


def literals() -> list[Path]:
    """Files in which a format wants the version of our images spelled out."""
    places = (
        "charts/*/values.yaml",
        "charts/slipway/templates/*.yaml",
        "images/*/Dockerfile",
        "ansible/roles/**/*.yml",
        "workflows/perf/**/*.yaml",
    )
    found = [path for place in places for path in PROJECT_ROOT.glob(place)]
    return [*found, *(PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"), PROJECT_ROOT / "docs" / "install.md"]


def test_our_images_have_the_version_of_the_package_wherever_they_are_named() -> None:
    named = re.compile(
        r"slipway/(?:app|steps|train|mlflow):(\d[\w.-]*)|^ARG VERSION=(\S+)|^  tag: (\d\S+)|'tag': '([^']+)'",
        re.MULTILINE,
    )
    found = {
        (path.relative_to(PROJECT_ROOT).as_posix(), "".join(one))
        for path in literals()
        for one in named.findall(path.read_text())
    }
    assert {"charts/slipway/values.yaml", "charts/platform/values.yaml", "ansible/roles/slipway/vars/main.yml"} <= {
        path for path, _ in found
    }
    assert len(found) > 10, "the pattern finds nothing any more"
    assert {(path, text) for path, text in found if text != __version__} == set()
