"""The step train: input that cannot be used is refused before anything is logged to MLflow."""

import shutil
import time
from pathlib import Path

import pytest
from steps.release.fakes import FakeWorld
from variables import changing_variables

from slipway_steps.domain.errors import BadInput, Broken, Refused, RegistryError, SlipwayError
from slipway_steps.domain.package import read_package
from slipway_steps.release import train
from slipway_steps.settings import Settings


class Nothing:
    """A registry that cannot be reached while the model is trained, and must not be given one."""

    def prepare_log(self) -> None:
        raise RegistryError("not reachable yet")

    def log_package(self, release: str, package: Path) -> str:
        raise Refused(f"logged {release}")


@pytest.fixture
def world(tmp_path: Path) -> FakeWorld:
    return FakeWorld(Settings(home=tmp_path), Nothing())


@pytest.fixture
def package(tmp_path: Path, trained_package: Path) -> Path:
    return Path(shutil.copytree(trained_package, tmp_path / "package"))


def run(world: FakeWorld, **params: object) -> None:
    train.run(train.Params(release="r", **params), world)  # type: ignore[arg-type]


def test_a_good_package_is_logged(world: FakeWorld, package: Path) -> None:
    with pytest.raises(Refused, match="logged r"):
        run(world, model_package=str(package))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.onnx", b"garbage", "cannot be loaded"),
        ("model.onnx", b"", "empty"),
        ("model.onnx", None, "no model.onnx"),
        ("contract.json", b"{", "cannot be read"),
        ("contract.json", b"{}", "architecture"),
        ("metrics.json", b'{"a": "x"}', "numbers"),
        ("history.json", None, "no history.json"),
        ("holdout.npz", None, "no holdout.npz"),
    ],
)
def test_a_broken_package_is_named(
    world: FakeWorld, package: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is None:
        (package / name).unlink()
    else:
        (package / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        run(world, model_package=str(package))


def test_samples_are_named_after_labels(package: Path) -> None:
    (package / "samples" / "cat-1.png").write_bytes(b"x")
    with pytest.raises(BadInput, match="cat-1"):
        read_package(package)


def test_missing_data_and_a_failing_program(world: FakeWorld, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a directory"):
        run(world, dataset=str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="is not a directory"):
        run(world, model_package=str(tmp_path / "nowhere"))
    (tmp_path / "mine").mkdir()
    mine = Settings(home=tmp_path, train_directory=tmp_path / "mine")
    other = FakeWorld(mine, Nothing())
    with pytest.raises(BadInput, match="no training program"):
        run(other)
    (tmp_path / "mine" / "train.py").write_text("print('boom'); raise SystemExit(3)")
    with pytest.raises(BadInput, match="exit code 3: boom"):
        run(other)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("raise RuntimeError('boom')", BadInput),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", BadInput),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Broken),
    ],
)
def test_only_a_program_that_was_ended_from_outside_is_tried_again(
    tmp_path: Path, program: str, error: type[SlipwayError]
) -> None:
    (tmp_path / "train.py").write_text(program)
    world = FakeWorld(Settings(home=tmp_path, train_directory=tmp_path), Nothing())
    with pytest.raises(error) as found:
        run(world)
    assert found.value.exit_code == (75 if error is Broken else 1)


def test_a_program_starts_while_variables_change() -> None:
    """A list of variables that moves in memory meanwhile made 3 of 100 starts fail with `Bad address`."""
    with changing_variables():
        for _ in range(200):
            train.execute(["/bin/true"])


def test_what_runs_beside_the_program_begins_when_it_has_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    seen: list[bool] = []

    def beside() -> None:
        deadline = time.monotonic() + 10
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        seen.append(started.exists())
        raise RegistryError("not reachable yet")

    train.execute(["/bin/sh", "-c", f"touch {started}; sleep 0.2"], beside)
    assert seen == [True]
