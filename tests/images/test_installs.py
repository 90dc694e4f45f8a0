"""Each image's lock, installed into a fresh environment, and what the image starts run from it.

It needs an index of packages and some minutes: only where SLIPWAY_TEST_INSTALLS=1 asks for it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kube_api_server import KubeApi

from slipway_steps.settings import PROJECT_ROOT

pytestmark = pytest.mark.skipif(
    os.environ.get("SLIPWAY_TEST_INSTALLS") != "1", reason="installs packages: SLIPWAY_TEST_INSTALLS=1 asks for it"
)
STARTS = {
    "app": ("images/app", ["-c", "import serve"], 0),
    "mlflow": ("images/mlflow", ["-m", "mlflow", "server", "--help"], 0),
    "steps": ("steps", ["-m", "slipway_steps.entry", "no-such-step"], 1),
    "train": ("images/train", ["train.py", "--help"], 0),
}
"""Image -> directory whose files it holds, arguments of Python, its exit code."""
LEFT_OUT = {"google-auth", "matplotlib", "pyarrow", "scikit-learn", "scipy", "skops"}
"""What MLflow and its client of Databricks ask for and our use of it never imports; the locks say why."""


@pytest.mark.parametrize("name", STARTS)
def test_a_lock_installs_and_is_enough(name: str, tmp_path: Path) -> None:
    directory, arguments, code = STARTS[name]
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    lines = (PROJECT_ROOT / "images" / name / "requirements.lock").read_text().splitlines(keepends=True)
    for file, how in (("wheels", ["--only-binary=:all:"]), ("source", ["--no-build-isolation", "--require-hashes"])):
        wanted = tmp_path / file
        wanted.write_text("".join(line for line in lines if ("--hash=" in line) == (file == "source")))
        install = [python, "-m", "pip", "install", "-q", "--no-deps", *how, "-r", wanted]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    checked = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    missing = re.findall(
        r"^(?:mlflow|databricks-sdk) \S+ requires ([\w-]+), which is not installed", checked.stdout, re.M
    )
    assert set(missing) <= LEFT_OUT, checked.stdout
    assert checked.returncode == 0 or len(checked.stdout.splitlines()) == len(missing), checked.stdout
    shutil.copytree(PROJECT_ROOT / directory, tmp_path / "files", ignore=shutil.ignore_patterns("__pycache__"))
    started = subprocess.run(
        [python, *arguments],
        cwd=tmp_path / "files",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert started.returncode == code, started.stdout + started.stderr
    assert "ModuleNotFoundError" not in started.stderr, started.stderr


def test_the_base_install_speaks_to_a_cluster(tmp_path: Path) -> None:
    """Without torch, CUDA and all else that only a release on one machine needs."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "-c", PROJECT_ROOT / "requirements.lock", "-e", PROJECT_ROOT]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout.lower()
    assert not [name for name in ("torch", "nvidia", "onnxruntime", "pandas") if name in listed]
    api = KubeApi()
    try:
        environment = {"PATH": os.environ["PATH"], "KUBECONFIG": str(api.kubeconfig(tmp_path / "kube"))}
        for arguments in (["--help"], ["render", "--check"], ["list", "--cluster"]):
            started = subprocess.run(
                [python.with_name("slipway"), *arguments],
                cwd=PROJECT_ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert started.returncode == 0, started.stdout + started.stderr
    finally:
        api.close()
