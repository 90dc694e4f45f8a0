"""The files of code/ that the server runs when it imports inference.py."""

import ast

import pytest

from slipway_steps.handlers.reached import reached

FILES = frozenset(
    ["inference.py", "a/__init__.py", "a/b.py", "a/c.py", "a/deep/__init__.py", "a/deep/d.py", "e.py", "train.py"]
)


def leads_to(text: str, **others: str) -> set[str]:
    """The files beside inference.py that a text leads to; `others` are the texts of further files, `__` for a slash."""
    texts = {"inference.py": text, **{name.replace("__", "/") + ".py": other for name, other in others.items()}}
    return set(reached("inference.py", {name: ast.parse(one) for name, one in texts.items()}, FILES)) - {"inference.py"}


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("import e", {"e.py"}),
        ("import a.b", {"a/__init__.py", "a/b.py"}),
        ("from a import b", {"a/__init__.py", "a/b.py"}),
        ("from a.deep.d import x", {"a/__init__.py", "a/deep/__init__.py", "a/deep/d.py"}),
        ("def f():\n    import e", {"e.py"}),
        ("import importlib\nimportlib.import_module('e')", {"e.py"}),
        ("__import__('e', None, None, [], 0)", {"e.py"}),
        ("import numpy, inference", set()),
        ("load('e')", set()),
    ],
)
def test_a_file_leads_to_those_that_it_imports(text: str, files: set[str]) -> None:
    assert leads_to(text) == files


def test_imports_are_followed_from_file_to_file() -> None:
    assert leads_to("import e", e="import a.b", a__b="import a.c", a__c="import e") == {
        "e.py",
        "a/__init__.py",
        "a/b.py",
        "a/c.py",
    }


@pytest.mark.parametrize(
    ("text", "file"),
    [("from . import c", "a/c.py"), ("from .c import x", "a/c.py"), ("from .deep import d", "a/deep/d.py")],
)
def test_relative_imports_are_those_of_the_package(text: str, file: str) -> None:
    assert file in leads_to("import a.b", a__b=text)
    assert "e.py" in leads_to("import a.deep.d", a__deep__d="from ... import e")


def test_a_file_that_could_not_be_parsed_is_reached_as_well() -> None:
    assert reached("inference.py", {}, FILES) == {"inference.py"}
    assert reached("inference.py", {"inference.py": ast.parse("import train")}, FILES) == {"inference.py", "train.py"}
