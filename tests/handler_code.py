"""Packages whose code/inference.py a test writes, and workers that run them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.adapters.handlers.process import WorkerLimits
from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.adapters.handlers.worker import HandlerWorker
from slipway_steps.domain.handler import JSON

MIB = 2**20
FUNCTIONS = {
    "head": "import json, os, sys, time",
    "model_fn": "def model_fn(model_dir):\n    return 2",
    "input_fn": "def input_fn(data, content_type):\n    return json.loads(data)",
    "predict_fn": "def predict_fn(data, model):\n    return [model * one for one in data]",
    "output_fn": "def output_fn(prediction, accept):\n    if accept == 'text/csv':\n"
    "        return '\\n'.join(map(str, prediction)), accept\n    return json.dumps(prediction), accept",
}
"""A handler that doubles numbers, in parts that a test replaces."""


def code_package(directory: Path, **instead: str) -> Path:
    """Write a package whose handler has these parts instead of those of FUNCTIONS. Returns the directory."""
    (directory / "code").mkdir(parents=True, exist_ok=True)
    (directory / "code" / "inference.py").write_text("\n".join({**FUNCTIONS, **instead}.values()) + "\n")
    return directory


def body(*lines: str) -> str:
    """A predict_fn with these lines, which doubles the numbers unless one of them does something else."""
    whole = ("def predict_fn(data, model):", *(f"    {one}" for one in (*lines, "return [2 * one for one in data]")))
    return "\n".join(whole)


def request(name: str, data: str = "[1, 2]") -> Request:
    """A request with JSON, which asks for JSON."""
    return Request(name, JSON, JSON, body=data.encode())


@contextmanager
def handler_worker(
    package: Path,
    *,
    memory: int = 512 * MIB,
    seconds: float = 20.0,
    whole: float = 60.0,
    workers: int = 1,
    python: str = "",
    watchdog: bool = False,
) -> Iterator[HandlerWorker]:
    """A worker for a package, with limits: bytes of memory, seconds for one request and for all."""
    limits = WorkerLimits(memory, seconds, time.monotonic() + whole, watchdog)
    with (
        scratch(package.parent / "scratch") as temporary,
        HandlerWorker(package, python, temporary, limits, workers) as worker,
    ):
        yield worker


def answers(package: Path, *bodies: str, **limits: object) -> list[Answer]:
    """The answers of a package's handler to these bodies, one after another."""
    with handler_worker(package, **limits) as worker:  # type: ignore[arg-type]
        worker.load()
        return worker.send([request(str(number), one) for number, one in enumerate(bodies)])


def running(text: str) -> list[int]:
    """The processes whose command line holds a text."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if text in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found
