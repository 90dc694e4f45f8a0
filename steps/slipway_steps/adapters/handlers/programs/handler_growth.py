"""Measures how much memory a handler keeps with each request."""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import handler_watch

PATIENCE = 4
"""How much longer a slow handler may take, and one that seems to keep memory."""
NOISE = 20
"""Bytes for each request, less than a number in a list takes; the measurement itself keeps some 200 in each window."""
MANY = 1500
"""Requests after which a list of bounded length is expected to be full."""


def measure(ask: Callable[[], None], windows: int, least: int, seconds: float, code: str) -> dict[str, Any]:
    """Repeat a request, and measure in several windows how many bytes are kept: by Python objects, and by all.

    least: requests in each window; seconds: for all of them. A handler that is too slow for that is not measured.
    """
    took = []
    for _ in range(least):
        started = time.perf_counter()
        ask()
        took.append(time.perf_counter() - started)
        if took[-1] * least * (windows + 1) > PATIENCE * seconds:
            return {"requests": 0, "grown": []}
    number = max(least, min(5 * least, int(seconds / (windows + 1) / max(min(took) * 3, 1e-5))))
    tracemalloc.start()
    try:
        _repeat(ask, number)
        first = tracemalloc.take_snapshot()
        grown = [_window(ask, number) for _ in range(windows)]
        if min(python for python, _ in grown) > NOISE * number:
            # what is bounded stops to grow; seen again after many requests, or as many as there is time for
            until = time.perf_counter() + PATIENCE * seconds
            for _ in range(MANY // number):
                _repeat(ask, number)
                if time.perf_counter() > until:
                    break
            grown.append(_window(ask, number))
        largest = _largest(first, tracemalloc.take_snapshot(), code)
    finally:
        tracemalloc.stop()
    return {"requests": number, "grown": grown, "largest": largest}


def _window(ask: Callable[[], None], number: int) -> tuple[int, int]:
    """The bytes that so many requests leave behind: by Python objects, and by the process."""
    python, resident = tracemalloc.get_traced_memory()[0], handler_watch.resident()
    _repeat(ask, number)
    return tracemalloc.get_traced_memory()[0] - python, handler_watch.resident() - resident


def _repeat(ask: Callable[[], None], number: int) -> None:
    for _ in range(number):
        ask()
    gc.collect()
    # Python's cache of attribute lookups keeps up to 4096 names that were made while the program ran
    sys._clear_type_cache()


def _largest(before: tracemalloc.Snapshot, after: tracemalloc.Snapshot, code: str) -> list[Any] | None:
    """Where in code/ the most memory was added between two snapshots, as [file, line], or None."""
    of_code = (tracemalloc.Filter(True, code + "/*"),)
    changes = after.filter_traces(of_code).compare_to(before.filter_traces(of_code), "lineno")
    found = max(changes, key=lambda one: one.size_diff, default=None)
    if found is None or found.size_diff <= 0:
        return None
    frame = found.traceback[0]
    return [frame.filename[len(code) + 1 :], frame.lineno]
