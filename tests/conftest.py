"""What all tests share: one trained model a test run, whatever the number of workers."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from slipway_steps.settings import PROJECT_ROOT

TRAIN = PROJECT_ROOT / "images" / "train" / "train.py"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# A shell lets what it starts in the background ignore Ctrl-C, and what tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# how long an example takes depends on what else this machine does
settings.register_profile("slipway", deadline=None)
settings.load_profile("slipway")


def pytest_runtest_setup() -> None:
    """MLflow reads its waits in the environment of the process, where a registry of another test has put them."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def packaged(pytestconfig: pytest.Config) -> Callable[..., Path]:
    """packaged(name, *arguments): the packaged model that train.py writes with these arguments.

    It is trained once, and again when one of the training program's files has changed.
    """
    source = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(TRAIN.parent.glob("*.*"))))
    shared = pytestconfig.rootpath / ".pytest_cache" / f"packages-{source.hexdigest()[:12]}"
    shared.mkdir(parents=True, exist_ok=True)

    def make(name: str, *arguments: str) -> Path:
        target = shared / name
        with FileLock(shared / f"{name}.lock"):
            if not target.exists():
                command = [sys.executable, str(TRAIN), *arguments, f"--output={target}"]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout + done.stderr
        return target

    return make


@pytest.fixture(scope="session")
def trained_package(packaged: Callable[..., Path]) -> Path:
    """A MobileNetV2, really trained on the digits."""
    return packaged("normal")


@pytest.fixture(scope="session")
def resnet_package(packaged: Callable[..., Path]) -> Path:
    """A ResNet, really trained: a fine model that the app does not serve."""
    return packaged("resnet", "--scenario=bad-architecture")


LONGEST = ("test_tutorial.py", "test_promotion_and_interruptions.py", "test_breakage.py")
"""Files whose tests take minutes, one after the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, and all else fits beside it: whole releases, then playbooks."""

    def rank(item: pytest.Item) -> int:
        longest = [item.path.name in LONGEST, "e2e" in item.path.parts, "ansible" in item.path.parts, True]
        return longest.index(True)

    items.sort(key=rank)
