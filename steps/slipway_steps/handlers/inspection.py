"""What is wrong with a package as far as its files show it, before anything of it runs."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway_steps.domain.handler import Fault, Place
from slipway_steps.handlers.imports import imports_of
from slipway_steps.handlers.requirement_lines import required, unpinned
from slipway_steps.handlers.source import CODE, FUNCTIONS, MODULE, Source, effective, inside, read_source

TOOLKIT = frozenset({"numpy", "scipy", "six", "mms", "sagemaker_inference"})
"""Modules that the toolkit itself imports: a file of code/ with such a name hides them as it hides Python's own."""
FIXED = "/opt/ml/model"
ERROR_KEYS = frozenset({"error", "errors", "exception", "error_message", "errormessage", "traceback"})
"""Keys of a JSON object that holds an error instead of a prediction, in small letters."""


@dataclass(frozen=True)
class Inspection:
    """What the files show. `handler` is false for a package without code/; `imports` are the modules that are imported
    without a fallback, with the first place of each; `requirements` are the names in code/requirements.txt, None where
    they cannot all be told.
    """

    handler: bool
    source: Source
    faults: list[Fault]
    imports: dict[str, Place]
    requirements: frozenset[str] | None


def inspect_package(package: Path) -> Inspection:
    """Read a package's code/ and find what is wrong with it. Nothing is executed."""
    source = read_source(package)
    if source.module not in source.texts:
        elsewhere = _elsewhere(package)
        return Inspection(
            bool(elsewhere), source, [Fault(code="no-code", message=elsewhere)] if elsewhere else [], {}, frozenset()
        )
    faults = [_syntax(source, name, error) for name, error in source.errors.items()]
    faults += [*_shadows(package, source), *_constants(source), *_raises(source), *unpinned(package)]
    return Inspection(True, source, faults, imports_of(source), required(package))


def _elsewhere(package: Path) -> str:
    """Why the server finds no handler although the package seems to have one; "" for a package without any."""
    nested = sorted(
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.name.lower() == MODULE and path.relative_to(package).as_posix() not in (f"{CODE}/{MODULE}", CODE)
    )
    if MODULE in nested:
        return "inference.py is at the root of the archive, where only multi-model-server finds it, by chance"
    if nested:
        return f"the handler is at {nested[0]}, but the server looks for code/inference.py at the root of the archive"
    if (package / CODE).is_dir():
        names = ", ".join(sorted(path.name for path in (package / CODE).iterdir())[:6]) or "nothing"
        return f"code/ holds {names}, but no inference.py"
    return ""


def _syntax(source: Source, name: str, error: SyntaxError) -> Fault:
    return Fault(code="syntax", message=f"{name}: {error.msg}", place=source.place(name, error.lineno or 1))


def _shadows(package: Path, source: Source) -> Iterator[Fault]:
    for path in sorted((package / CODE).iterdir()):
        name = path.stem if path.suffix == ".py" else path.name
        is_module = path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").is_file())
        if is_module and name in sys.stdlib_module_names | TOOLKIT:
            whose = "the toolkit's" if name in TOOLKIT else "Python's own"
            relative = path.relative_to(package / CODE).as_posix()
            file = relative if path.suffix == ".py" else f"{relative}/__init__.py"
            yield Fault(
                code="shadows-module",
                message=f"code/{relative} hides {whose} module `{name}`",
                place=source.place(file, 1),
            )


def _constants(source: Source) -> Iterator[Fault]:
    """Paths of the container that are written into the handler. Documentation and default values do not count."""
    for name, tree in source.trees.items():
        skipped = {id(one) for node in ast.walk(tree) for one in _spoken(node)}
        for node in effective(tree):
            if not isinstance(node, ast.Constant) or id(node) in skipped:
                continue
            if isinstance(node.value, str) and node.value.startswith(FIXED):
                message = f"the path {node.value!r} is written into the handler"
                yield Fault(code="fixed-path", message=message, place=source.place(name, node.lineno))


def _spoken(node: ast.AST) -> Iterator[ast.AST]:
    """The constants below a node that are documentation, or what is used where nothing else is given."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    if isinstance(node, ast.arguments):
        for default in (*node.defaults, *node.kw_defaults):
            yield from ast.walk(default) if default else ()
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("environ.get", "getenv", ".setdefault")):
        yield from node.args[1:]
    if isinstance(node, ast.IfExp | ast.If) and re.search(r"exists|is_?dir", ast.unparse(node.test)):
        yield from ast.walk(node)


def _raises(source: Source) -> Iterator[Fault]:
    """Errors whose text or status the server cannot send."""
    for name, tree in source.trees.items():
        for node in effective(tree):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            texts = [
                one.value
                for part in _sent_as_phrase(node.exc)
                for one in ast.walk(part)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            if any(not text.isascii() for text in texts):
                text = next(text for text in texts if not text.isascii())
                message = f"the text {text[:60]!r} of an error is not ASCII"
                yield Fault(code="non-ascii-error", message=message, place=source.place(name, node.lineno))
            call = node.exc
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("InferenceToolkitError"):
                given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "status_code")]
                if given and isinstance(given[0], ast.Constant) and not isinstance(given[0].value, int):
                    message = f"the status {given[0].value!r} of an error is not a whole number"
                    yield Fault(code="status-not-number", message=message, place=source.place(name, node.lineno))


def _sent_as_phrase(raised: ast.expr) -> list[ast.expr]:
    """The parts of a raised error that become the phrase of the answer. Of the toolkit's own error that is its third
    argument; its message is the body, which may hold any text.
    """
    if isinstance(raised, ast.Call) and ast.unparse(raised.func).endswith("BaseInferenceToolkitError"):
        return [*raised.args[2:3], *(one.value for one in raised.keywords if one.arg == "phrase")]
    return [raised]


def function_faults(source: Source) -> Iterator[Fault]:
    """What the statements of the handler's functions show, once it is known where they are."""
    for name in FUNCTIONS[1:]:
        function = source.function(name)
        for node in inside(function) if function else ():
            if isinstance(node, ast.ExceptHandler):
                for one in ast.walk(node):
                    if isinstance(one, ast.Return) and one.value is not None and _error_object(one.value):
                        message = f"{name} catches an exception and returns it as its answer"
                        yield Fault(code="error-as-200", message=message, place=source.at(name, one.lineno))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "model_fn":
                message = f"{name} calls model_fn, so the model is loaded for each request"
                yield Fault(code="reloads", message=message, place=source.at(name, node.lineno))


def _error_object(value: ast.expr) -> bool:
    keys = (key for one in ast.walk(value) if isinstance(one, ast.Dict) for key in one.keys)
    return any(isinstance(key, ast.Constant) and str(key.value).lower() in ERROR_KEYS for key in keys)
