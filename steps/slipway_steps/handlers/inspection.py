"""What is wrong with a package as far as its files show it, before anything of it runs."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway_steps.domain.handler import Fault, Place
from slipway_steps.handlers.source import CODE, FUNCTIONS, MODULE, Source, effective, inside, read_source

REQUIREMENTS = "requirements.txt"
TOOLKIT = frozenset({"numpy", "scipy", "six", "mms", "sagemaker_inference"})
"""Modules that the toolkit itself imports: a file of code/ with such a name hides them as it hides Python's own."""
FIXED = "/opt/ml/model"
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "google": "protobuf",
    "OpenSSL": "pyopenssl",
}
"""Modules whose distribution has another name; only for what is not installed, of which nothing else is known."""
ERROR_KEYS = frozenset({"error", "errors", "exception", "error_message", "traceback"})
"""Keys of a JSON object that holds an error instead of a prediction."""


@dataclass(frozen=True)
class Inspection:
    """What the files show. `handler` is false for a package without code/; `imports` are the modules that are imported
    without a fallback, with the first place of each; `requirements` are the names in code/requirements.txt.
    """

    handler: bool
    source: Source
    faults: list[Fault]
    imports: dict[str, Place]
    requirements: frozenset[str]


def inspect_package(package: Path) -> Inspection:
    """Read a package's code/ and find what is wrong with it. Nothing is executed."""
    source = read_source(package)
    if not (package / CODE / MODULE).is_file():
        elsewhere = _elsewhere(package)
        return Inspection(
            bool(elsewhere), source, [Fault(code="no-code", message=elsewhere)] if elsewhere else [], {}, frozenset()
        )
    faults = [_syntax(source, name, error) for name, error in source.errors.items()]
    faults += [*_shadows(package, source), *_constants(source), *_raises(source), *_hidden_errors(source)]
    faults += [*_second_loads(source), *_unpinned(package)]
    return Inspection(True, source, faults, dict(_imports(source)), _required(package))


def _elsewhere(package: Path) -> str:
    """Why the server finds no handler although the package seems to have one; "" for a package without any."""
    nested = sorted(
        path.relative_to(package).as_posix() for path in package.rglob(MODULE) if path.parent != package / CODE
    )
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
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    if isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "os.environ.get",
        "os.getenv",
        "environ.get",
        "getenv",
    ):
        yield from node.args[1:]


def _raises(source: Source) -> Iterator[Fault]:
    """Errors whose text or status the server cannot send."""
    for name, tree in source.trees.items():
        for node in effective(tree):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            texts = [
                one.value for one in ast.walk(node.exc) if isinstance(one, ast.Constant) and isinstance(one.value, str)
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


def _hidden_errors(source: Source) -> Iterator[Fault]:
    """Exceptions that a handler's function turns into an answer."""
    for name in FUNCTIONS[1:]:
        function = source.function(name)
        for node in inside(function) if function else ():
            if not isinstance(node, ast.ExceptHandler):
                continue
            for one in ast.walk(node):
                if isinstance(one, ast.Return) and one.value is not None and _error_object(one.value):
                    yield Fault(
                        code="error-as-200",
                        message=f"{name} catches an exception and returns it as its answer",
                        place=source.place(MODULE, one.lineno),
                    )


def _error_object(value: ast.expr) -> bool:
    keys = (key for one in ast.walk(value) if isinstance(one, ast.Dict) for key in one.keys)
    return any(isinstance(key, ast.Constant) and key.value in ERROR_KEYS for key in keys)


def _second_loads(source: Source) -> Iterator[Fault]:
    for name in FUNCTIONS[1:]:
        function = source.function(name)
        for node in inside(function) if function else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "model_fn":
                message = f"{name} calls model_fn, so the model is loaded for each request"
                yield Fault(code="reloads", message=message, place=source.place(MODULE, node.lineno))


def _unpinned(package: Path) -> Iterator[Fault]:
    path = package / CODE / REQUIREMENTS
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        text = line.split(" #")[0].strip()
        if text and not text.startswith(("#", "-")) and "==" not in text and " @ " not in text:
            place = Place(file=f"{CODE}/{REQUIREMENTS}", line=number, text=text)
            yield Fault(code="unpinned", message=f"{text} has no exact version", place=place)


def _required(package: Path) -> frozenset[str]:
    path = package / CODE / REQUIREMENTS
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    names = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line.strip()) for line in lines)
    return frozenset(normalized(name.group()) for name in names if name)


def normalized(name: str) -> str:
    """The name of a distribution as packaging compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution_of(module: str) -> str:
    """The normalized name of the distribution that a module that is not installed comes from, as far as is known."""
    return normalized(DISTRIBUTIONS.get(module, module))


def _imports(source: Source) -> Iterator[tuple[str, Place]]:
    found: set[str] = set()
    for name, tree in source.trees.items():
        optional = {id(one) for node in ast.walk(tree) for one in _with_fallback(node)}
        for node in effective(tree):
            if id(node) in optional:
                continue
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            else:
                continue
            for module in modules:
                if (top := module.partition(".")[0]) not in found:
                    found.add(top)
                    yield top, source.place(name, node.lineno)


def _with_fallback(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a `try` whose `except` catches a failed import, and of what only type checkers read."""
    if isinstance(node, ast.Try):
        caught = " ".join(ast.unparse(one.type) if one.type else "Exception" for one in node.handlers)
        if re.search(r"\b(ImportError|ModuleNotFoundError|Exception|BaseException)\b", caught):
            for one in node.body:
                yield from ast.walk(one)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for one in node.body:
            yield from ast.walk(one)
