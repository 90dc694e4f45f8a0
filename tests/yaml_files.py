"""YAML as the tests read it: with libyaml where PyYAML has it, which takes a tenth of the time."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _read(path: Path) -> list[Any]:
    return list(yaml.load_all(path.read_text(), Loader))


def documents(path: Path) -> list[Any]:
    """All documents of a file, which is read once a process; the caller may change them."""
    return copy.deepcopy(_read(path))


def document(path: Path) -> Any:
    """The one document of a file; see `documents`."""
    (found,) = documents(path)
    return found
