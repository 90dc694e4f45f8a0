"""The modules that a handler cannot do without."""

import ast

import pytest

from slipway_steps.handlers.imports import imports_of
from slipway_steps.handlers.source import Source


def imported(text: str, **others: str) -> dict[str, str]:
    """The modules that inference.py and other files import, with the place of each."""
    files = {"inference.py": text, **{f"{name}.py": other for name, other in others.items()}}
    source = Source(
        {name: other.splitlines() for name, other in files.items()},
        {name: ast.parse(other) for name, other in files.items()},
    )
    return {name: str(place) for name, place in imports_of(source).items()}


def test_the_topmost_module_is_told_with_its_first_place() -> None:
    assert imported("import engine.deep as e, other\nfrom engine import x\n") == {
        "engine": "code/inference.py:1",
        "other": "code/inference.py:1",
    }
    assert imported("A = 1\n", helper="def f():\n    import engine\n") == {"engine": "code/helper.py:2"}


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import engine\nexcept ImportError:\n    import other\n",
        "try:\n    import engine\nexcept (KeyError, ModuleNotFoundError):\n    pass\n",
        "try:\n    import engine\nexcept:\n    engine = None\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import engine\n",
        "import sys\nif sys.version_info < (3, 9):\n    import engine\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import engine\n",
        "from . import engine\nfrom .engine import x\n",
        'if __name__ == "__main__":\n    import engine\n',
    ],
)
def test_imports_that_may_fail_are_not_needed(text: str) -> None:
    assert not {"engine", "other"} & imported(text).keys()


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import engine\nexcept KeyError:\n    pass\n",
        "try:\n    import engine\nfinally:\n    pass\n",
        "with open('a'):\n    import engine\n",
        "if FAST:\n    import engine\n",
    ],
)
def test_imports_whose_failure_nobody_expects_are_needed(text: str) -> None:
    assert "engine" in imported(text)
