"""Describes what a handler defines, as plain values."""

from __future__ import annotations

import inspect
from importlib import metadata
from typing import Any


def signature(value: Any, code: str) -> dict[str, Any]:
    """The signature of a function as the toolkit counts it, and where it is defined."""
    found: dict[str, Any] = {
        "callable": callable(value),
        "type": type(value).__name__,
        "file": "",
        "line": 0,
        "parameters": None,
    }
    found["async"] = inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value)
    found["generator"] = inspect.isgeneratorfunction(value)
    found["builtin"] = inspect.isbuiltin(value) or isinstance(value, type)
    plain = inspect.unwrap(value) if callable(value) else value
    lines = getattr(plain, "__code__", None)
    if lines is not None and lines.co_filename.startswith(code):
        found["file"], found["line"] = lines.co_filename[len(code) + 1 :], lines.co_firstlineno
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return found
    empty = inspect.Parameter.empty
    found["parameters"] = [[one.name, one.kind.name, one.default is not empty] for one in parameters]
    return found


def version(distribution: str) -> str:
    """The version of an installed distribution, as people read it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # the PyTorch container brings the toolkit as part of its own distribution
        return "of another distribution"
