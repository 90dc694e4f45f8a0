"""images/build.sh, with programs in the place of the engines that write down how they were called."""

import shutil
import subprocess
from pathlib import Path

import pytest

from slipway_steps import __version__
from slipway_steps.settings import PROJECT_ROOT

SCRIPT = PROJECT_ROOT / "images" / "build.sh"


class Engines:
    """A path with `names` as engines; those in `broken` answer nothing but an error."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.calls = directory / "calls"
        self.calls.touch()
        for tool in ("bash", "dirname", "sed", "git", "env"):
            (directory / tool).symlink_to(shutil.which(tool) or tool)

    def add(self, name: str, *, broken: bool = False) -> None:
        path = self.directory / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\nexit {int(broken)}\n')
        path.chmod(0o755)

    def script(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT],
            env={"PATH": str(self.directory), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def called(self) -> list[str]:
        """The calls that build or push."""
        return [line for line in self.calls.read_text().splitlines() if line.split()[1] in {"build", "push"}]


@pytest.fixture
def engines(tmp_path: Path) -> Engines:
    return Engines(tmp_path)


def test_all_are_built_and_then_pushed(engines: Engines) -> None:
    engines.add("buildah")
    done = engines.script(PUSH="registry.example.com/team/", PUSH_OPTIONS="--tls-verify=false")
    assert done.returncode == 0, done.stderr
    calls = engines.called()
    names = [
        f"registry.example.com/team/slipway/{name}:{__version__}"
        for name in ("app", "handler", "mlflow", "steps", "train")
    ]
    for call, name in zip(calls[:5], names, strict=True):
        assert call.startswith(f"buildah build --format docker --build-arg VERSION={__version__} --build-arg REVISION=")
        assert call.endswith(f"--tag {name} .")
    assert calls[5:] == [f"buildah push --tls-verify=false {name}" for name in names]


def test_nothing_is_pushed_unless_asked_for(engines: Engines) -> None:
    engines.add("podman")
    done = engines.script(IMAGES="steps", BUILD_OPTIONS="--build-arg PYTHON_IMAGE=mirror/python:3")
    assert done.returncode == 0, done.stderr
    (call,) = engines.called()
    assert " --build-arg PYTHON_IMAGE=mirror/python:3 --file images/steps/Dockerfile " in call
    assert call.endswith(f"--tag slipway/steps:{__version__} .")


def test_a_client_without_its_daemon_is_passed_over(engines: Engines) -> None:
    engines.add("docker", broken=True)
    engines.add("podman")
    assert engines.script(IMAGES="app").returncode == 0
    assert [call.split()[0] for call in engines.called()] == ["podman"]


def test_an_engine_can_be_named(engines: Engines) -> None:
    engines.add("docker")
    engines.add("buildah")
    assert engines.script(IMAGES="app", ENGINE="buildah").returncode == 0
    assert [call.split()[0] for call in engines.called()] == ["buildah"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "neither docker (with its daemon), podman nor buildah works here"),
        ({"ENGINE": "kaniko"}, "ENGINE=kaniko is not known"),
        ({"ENGINE": "docker", "IMAGES": "app apps"}, "there is no images/apps/Dockerfile"),
    ],
)
def test_what_cannot_be_built_is_said_before_anything_is(
    engines: Engines, environment: dict[str, str], said: str
) -> None:
    done = engines.script(**environment)
    assert done.returncode == 1
    assert said in done.stderr
    assert engines.called() == []


def test_a_failed_build_pushes_nothing(engines: Engines) -> None:
    engines.add("podman", broken=True)
    done = engines.script(ENGINE="podman", PUSH="registry.example.com")
    assert done.returncode == 1
    assert [call.split()[1] for call in engines.called()] == ["build"]
