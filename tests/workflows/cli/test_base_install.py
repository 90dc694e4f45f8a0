"""What `pip install slipway` without an extra can do: speak to a cluster."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from kube_api_server import KubeApi
from packaging.requirements import Requirement

from slipway_steps.settings import PROJECT_ROOT

HEAVY = {"torch", "onnxruntime", "pandas", "numpy", "matplotlib", "scikit-learn", "locust", "sqlalchemy", "psutil"}


def closure(wanted: list[str]) -> set[str]:
    """Names of the distributions that requirements need, and what these need in turn."""
    found: set[str] = set()
    todo = [Requirement(one) for one in wanted]
    while todo:
        one = todo.pop()
        name = re.sub(r"[-_.]+", "-", one.name).lower()
        if name in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        try:
            todo += [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            found.discard(name)
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of the packages of the base install."""
    wanted = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    file = tmp_path_factory.mktemp("base") / "base.lock"
    file.write_text("".join(f"{name}==0\n" for name in sorted(closure(wanted))))
    return file


@pytest.fixture
def api() -> Iterator[KubeApi]:
    server = KubeApi()
    yield server
    server.close()


def slipway(base: Path, directory: Path, api: KubeApi, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("slipway")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SLIPWAY_", "MLFLOW_"))}
    environment |= {"KUBECONFIG": str(api.kubeconfig(directory / "kube")), "SLIPWAY_HOME": str(directory / "home")}
    return subprocess.run(
        [sys.executable, PROJECT_ROOT / "tests" / "only_packages.py", base, program, *arguments],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_base_install_is_light(base: Path) -> None:
    assert not {line.partition("==")[0] for line in base.read_text().splitlines()} & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["render", "--check"], ["lint", "workflows/manifests"], ["list", "--cluster"], ["run", "--help"]],
    ids=" ".join,
)
def test_it_is_enough_for(arguments: list[str], base: Path, api: KubeApi, tmp_path: Path) -> None:
    done = slipway(base, tmp_path, api, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_needs_more_says_how_to_get_it(base: Path, api: KubeApi, tmp_path: Path) -> None:
    done = slipway(base, tmp_path, api, "status")
    assert done.returncode == 1
    assert "is not installed; work on this machine needs it (pip install 'slipway[local]')" in done.stderr
    assert "Traceback" not in done.stderr
