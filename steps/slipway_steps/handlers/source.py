"""The Python files of a package's code/, parsed: where functions, returns and imports stand."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from slipway_steps.domain.handler import Place

CODE, MODULE = "code", "inference.py"
FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """The files of code/ by their path below it. `errors` are the files that are not valid Python."""

    texts: dict[str, list[str]]
    trees: dict[str, ast.Module]
    errors: dict[str, SyntaxError] = field(default_factory=dict)

    def place(self, file: str, line: int) -> Place:
        """A line as people read it."""
        lines = self.texts.get(file, [])
        return Place(file=f"{CODE}/{file}", line=line, text=lines[line - 1].strip() if 0 < line <= len(lines) else "")

    def function(self, name: str) -> Function | None:
        """The definition of a function at the top level of inference.py; the last one, which is in effect."""
        found = None
        for node in self.trees[MODULE].body if MODULE in self.trees else []:
            if isinstance(node, Function) and node.name == name:
                found = node
        return found

    def place_of(self, name: str) -> Place | None:
        """Where a function begins, or where its name is given a value; None where inference.py does neither."""
        if function := self.function(name):
            return self.place(MODULE, function.lineno)
        for node in self.trees[MODULE].body if MODULE in self.trees else []:
            targets = node.targets if isinstance(node, ast.Assign) else []
            names = {one.id for one in targets if isinstance(one, ast.Name)}
            if isinstance(node, ast.ImportFrom | ast.Import):
                names |= {alias.asname or alias.name for alias in node.names}
            if isinstance(node, ast.ClassDef):
                names.add(node.name)
            if name in names:
                return self.place(MODULE, node.lineno)
        return None

    def place_of_return(self, name: str) -> Place | None:
        """The last return of a function, or where it begins if it has none."""
        function = self.function(name)
        if function is None:
            return self.place_of(name)
        returns = [node.lineno for node in inside(function) if isinstance(node, ast.Return)]
        return self.place(MODULE, max(returns, default=function.lineno))


def inside(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside of it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, Function | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def effective(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a file without those under `if __name__ == "__main__"`, which a server never runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            continue
        yield node
        yield from effective(node)


def read_source(package: Path) -> Source:
    """Parse all files of the package's code/."""
    texts: dict[str, list[str]] = {}
    trees: dict[str, ast.Module] = {}
    errors: dict[str, SyntaxError] = {}
    for path in sorted((package / CODE).rglob("*.py")):
        name = path.relative_to(package / CODE).as_posix()
        data = path.read_bytes()
        texts[name] = data.decode("utf-8", "replace").splitlines()
        try:
            # bytes, so that a coding line counts as it does for Python itself
            trees[name] = ast.parse(data, name)
        except SyntaxError as error:
            errors[name] = error
        except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes, or thousands of brackets
            errors[name] = SyntaxError(str(error), (name, 1, 0, ""))
    return Source(texts, trees, errors)


def loads_alike(one: Source, other: Source) -> bool:
    """Whether two versions of code/ load the same model: they differ in functions that answer requests alone."""
    return not one.errors and not other.errors and _loading(one) == _loading(other)


def _loading(source: Source) -> dict[str, str]:
    """What is run by the import of inference.py and by model_fn, and all other files, as text without layout."""
    found = {name: ast.dump(tree) for name, tree in source.trees.items() if name != MODULE}
    tree = source.trees.get(MODULE, ast.Module([], []))
    rest = [node for node in tree.body if not (isinstance(node, Function) and node.name in FUNCTIONS[1:])]
    return {**found, MODULE: "\n".join(ast.dump(node) for node in rest)}
