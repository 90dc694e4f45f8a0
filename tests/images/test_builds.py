"""The images, really built: their size, what is compiled, whom they run as, and whether each step starts.

It needs an engine (docker, podman, or buildah as root), an index of packages and a quarter of an hour: only where
SLIPWAY_TEST_IMAGES=1 asks for it. BUILD_OPTIONS reach the builds, as with `make images`.
"""

import os

import pytest
from containers import Images

from slipway_steps.entry import STEPS

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("SLIPWAY_TEST_IMAGES") != "1", reason="builds images: SLIPWAY_TEST_IMAGES=1 asks for it"
    ),
    pytest.mark.timeout(3600),
]
NAMES = ("app", "handler", "mlflow", "steps", "train")
MEGABYTES = {"app": 140, "handler": 450, "mlflow": 450, "steps": 250, "train": 1000}
"""What an image may add to its base, unpacked."""
STEPS_OF_TRAIN = {"train", "evaluate", "report", "perf"}
SIZE = """
import os, sysconfig
library = sysconfig.get_path("stdlib")
seen = set()
for top in ("/app", "/opt/venv", "/opt/slipway", library):
    for directory, _, files in os.walk(top):
        if not directory.startswith(library) or "__pycache__" in directory:
            seen |= {(s.st_ino, s.st_size) for s in (os.lstat(os.path.join(directory, file)) for file in files)}
print(sum(size for _, size in seen) / 1e6)
"""
COMPILED = """
import importlib.util, os, sys, sysconfig
names = ["argparse", "json", "ssl", "http.client", "asyncio.base_events"]
places = [importlib.util.find_spec(name) for name in names]
print(all(os.path.exists(place.cached) for place in places), os.getuid(), os.access("/app", os.W_OK))
"""


@pytest.mark.parametrize("name", NAMES)
def test_size(images: Images, name: str) -> None:
    done = images.run(images.reference(name), ["-c", SIZE], {}, ["python"])
    assert float(done.stdout) <= MEGABYTES[name], done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_it_is_compiled_and_runs_as_a_numeric_user_that_may_write_nothing(images: Images, name: str) -> None:
    done = images.run(images.reference(name), ["-c", COMPILED], {}, ["python"])
    assert done.stdout.split() == ["True", "10001", "False"], done.stderr


@pytest.mark.parametrize("name", [*STEPS])
def test_a_step_starts(images: Images, name: str) -> None:
    """It refuses a parameter that it does not have; nothing that it imports is missing."""
    image = "train" if name in STEPS_OF_TRAIN else "handler" if name == "handler" else "steps"
    done = images.run(images.reference(image), [name, "--no-such-parameter=x"], {})
    assert done.returncode == 1, done.stderr
    assert "unknown arguments --no-such-parameter=x" in done.stderr
    assert "Traceback" not in done.stderr
