"""Describes what a handler defines, as plain values."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
from importlib import metadata
from typing import Any


def _plain(value: Any) -> Any:
    """The function behind a callable: without decorators and given arguments; of an instance its `__call__`."""
    value = inspect.unwrap(value)
    while isinstance(value, functools.partial):
        value = inspect.unwrap(value.func)
    if isinstance(value, type):
        return value.__init__  # type: ignore[misc]  # its signature is read, it is not called
    return value if hasattr(value, "__code__") else getattr(type(value), "__call__", value)  # noqa: B004 - the function itself


def signature(value: Any, code: str) -> dict[str, Any]:
    """The signature of a function as the toolkit counts it, and where it is defined."""
    found: dict[str, Any] = {
        "callable": callable(value),
        "type": type(value).__name__,
        "file": "",
        "line": 0,
        "parameters": None,
    }
    plain = _plain(value) if callable(value) else value
    found["async"] = inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain)
    found["generator"] = inspect.isgeneratorfunction(plain)
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


def missing(modules: list[str]) -> list[str]:
    """Which of these modules this Python cannot import."""
    found = []
    for name in modules:
        try:
            if name not in sys.modules and importlib.util.find_spec(name) is None:
                found.append(name)
        except (ImportError, ValueError):
            found.append(name)
    return found


def versions() -> dict[str, str]:
    """The versions of the toolkit and of Python, and which default handler this Python brings."""
    pytorch = importlib.util.find_spec("sagemaker_pytorch_serving_container") is not None
    return {
        "sagemaker_inference": version("sagemaker-inference"),
        "multi_model_server": version("multi-model-server"),
        "flavour": "pytorch" if pytorch else "",
        "python": ".".join(map(str, sys.version_info[:3])),
    }
