"""The programs that run under a handler's Python, as modules of a test."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from slipway_steps.adapters.handlers import programs

PROGRAMS = Path(programs.__file__).parent


def standalone(name: str) -> ModuleType:
    """A program's module by its bare name, as the handler's Python finds it: in the directory of the programs."""
    sys.path.insert(0, str(PROGRAMS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(PROGRAMS))
