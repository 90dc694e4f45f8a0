"""Probes of the machine, or of the pod, that this program runs on: Python, disk, memory, speed."""

import hashlib
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from slipway_steps.adapters.machine import available_memory
from slipway_steps.domain.health import Finding, degraded, healthy, unhealthy
from slipway_steps.settings import PROJECT_ROOT, Settings

GIB = 2**30
LOCK = PROJECT_ROOT / "requirements.lock"
"""The exact versions of a checkout. An installed package has none: pip has checked its requirements."""
DISK_LOW, DISK_OUT = 5 * GIB, 1 * GIB
"""Free bytes under which the disk is degraded, and unhealthy. A release of the shipped model takes 20 MiB, one of a
large model up to 1 GiB: with 5 GiB a night of releases fits, with 1 GiB perhaps not one."""
MEMORY_LOW, MEMORY_OUT = 2 * GIB, GIB // 4
"""Available bytes under which memory is degraded, and unhealthy. Training of the shipped model takes 1.3 GiB, and one
environment up to 256 MiB. On a cluster, training has the memory of its own pod, and only the lower limit counts."""
HASH_SLOW = 100.0
"""MiB/s of SHA-256 under which the machine is degraded; two shared cores gave 800."""
START_SLOW = 0.3
"""Seconds for the start of a bare Python from which on the machine is degraded; 0.02 is usual, and each step of a
release starts one."""
BLOCK = bytes(2**20)


def python(_settings: Settings) -> Finding:
    """Whether the packages of this Python are those of the lock."""
    told = platform.python_version()
    if not LOCK.is_file():
        return healthy(f"{told}, installed package")
    missing, other = [], []
    for line in LOCK.read_text().splitlines():
        if not (found := re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)):
            continue
        try:
            there = version(found[1]).partition("+")[0]
        except PackageNotFoundError:
            missing.append(found[1])
            continue
        if there != found[2].partition("+")[0]:
            other.append(f"{found[1]} {there} instead of {found[2]}")
    if missing:
        return unhealthy(f"{told}, {len(missing)} locked packages are missing: {_some(missing)}; make setup")
    if other:
        return degraded(f"{told}, {len(other)} packages are not as locked: {_some(other)}; make setup")
    return healthy(f"{told}, all locked packages")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def disk(settings: Settings) -> Finding:
    """The free space where the local state is, and what a release took there."""
    directory = existing(settings.home)
    free = shutil.disk_usage(directory).free
    message = f"{free / GIB:.0f} GiB free" if free >= 10 * GIB else f"{free / GIB:.1f} GiB free"
    if (each := _release_bytes(settings.home)) is not None:
        message += f", a release takes {each / 2**20:.0f} MiB"
    if free < DISK_OUT:
        return unhealthy(f"{message}; make room on the disk of {directory}")
    return degraded(f"{message}; make room on the disk of {directory}") if free < DISK_LOW else healthy(message)


def existing(directory: Path) -> Path:
    """A directory, or the nearest above it that exists."""
    directory = directory.absolute()
    while not directory.is_dir():
        directory = directory.parent
    return directory


def _release_bytes(home: Path) -> float | None:
    """The bytes of models and images by the number of models; None where there is no model."""
    models = home / "mlflow" / "artifacts" / "models"
    number = sum(1 for _ in models.iterdir()) if models.is_dir() else 0
    if not number:
        return None
    stores = (home / "mlflow", home / "images")
    taken = sum(file.lstat().st_size for store in stores for file in store.rglob("*") if file.is_file())
    return taken / number


def memory(settings: Settings) -> Finding:
    """The memory that is available to this machine, or to this pod."""
    free = available_memory()
    message = f"{free / GIB:.0f} GiB available" if free >= 10 * GIB else f"{free / GIB:.1f} GiB available"
    if free < MEMORY_OUT:
        return unhealthy(message)
    low = MEMORY_LOW if settings.platform == "local" else MEMORY_OUT
    return degraded(f"{message}; training takes 1.3") if free < low else healthy(message)


def performance(_settings: Settings) -> Finding:
    """How fast this machine hashes, and starts a process."""
    rate = _hash_rate(0.05)
    start = statistics.median(_start_seconds() for _ in range(3))
    message = f"hash {rate:.0f} MiB/s, process start {start * 1000:.0f} ms"
    return degraded(f"{message}; is it overloaded?") if rate < HASH_SLOW or start > START_SLOW else healthy(message)


def _hash_rate(seconds: float) -> float:
    """MiB/s of SHA-256 on one core, measured for about that long."""
    blocks, begin = 0, time.perf_counter()
    while (taken := time.perf_counter() - begin) < seconds:
        hashlib.sha256(BLOCK).digest()
        blocks += 1
    return blocks / taken


def _start_seconds() -> float:
    # a copy: other probes connect to MLflow meanwhile, which changes the variables of this process
    variables, begin = dict(os.environ), time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], env=variables, check=True, timeout=5)
    return time.perf_counter() - begin
