"""The Python files of a package's code/, parsed: where functions, returns and imports stand."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway_steps.domain.handler import Place
from slipway_steps.handlers.reached import reached

CODE, MODULE, PACKAGE = "code", "inference.py", "inference/__init__.py"
FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """The files of code/ by their path below it, those that inference.py leads to. `errors` are the files that are not
    valid Python; `located` says where the handler's functions really are, once they were described.
    """

    texts: dict[str, list[str]]
    trees: dict[str, ast.Module]
    errors: dict[str, SyntaxError] = field(default_factory=dict)
    located: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The file that the toolkit imports: inference.py, or the package of that name."""
        return PACKAGE if MODULE not in self.texts and PACKAGE in self.texts else MODULE

    def locate(self, described: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember where the functions are that the handler's process described: often in other files."""
        self.located.update({name: (one["file"], one["line"]) for name, one in described.items() if one["file"]})

    def place(self, file: str, line: int) -> Place:
        """A line as people read it."""
        lines = self.texts.get(file, [])
        return Place(file=f"{CODE}/{file}", line=line, text=lines[line - 1].strip() if 0 < line <= len(lines) else "")

    def top(self) -> Place:
        """The first line of inference.py."""
        return self.place(self.module, 1)

    def _found(self, name: str) -> tuple[str, Function] | None:
        """The file and the definition of a function: where it was located, else at the top level of inference.py."""
        if name in self.located:
            file, line = self.located[name]
            for node in ast.walk(self.trees[file]) if file in self.trees else ():
                # Python counts a function from its first decorator on
                if isinstance(node, Function) and line in (node.lineno, *(one.lineno for one in node.decorator_list)):
                    return file, node
            return None
        found = None
        for node in self._body():
            if isinstance(node, Function) and node.name == name:
                found = self.module, node
        return found

    def _body(self) -> list[ast.stmt]:
        return self.trees[self.module].body if self.module in self.trees else []

    def function(self, name: str) -> Function | None:
        """The definition of a function of the handler; the last one, which is in effect. None for what is none."""
        found = self._found(name)
        return found[1] if found else None

    def is_variable(self, name: str) -> bool:
        """Whether a function takes *args or **kwargs."""
        found = self.function(name)
        return found is not None and bool(found.args.vararg or found.args.kwarg)

    def mentions(self, words: re.Pattern[str]) -> bool:
        """Whether the files use one of these words as a name."""
        nodes = (node for tree in self.trees.values() for node in effective(tree))
        names = (getattr(node, "id", None) or getattr(node, "attr", None) or "" for node in nodes)
        return any(words.search(name.replace("_", " ")) for name in names)

    def raises_at(self, file: str, line: int) -> bool:
        """Whether a line is part of a raise statement."""
        nodes = ast.walk(self.trees[file]) if file in self.trees else ()
        return any(isinstance(one, ast.Raise) and one.lineno <= line <= (one.end_lineno or line) for one in nodes)

    def at(self, name: str, line: int) -> Place:
        """A line in the file of a function."""
        found = self._found(name)
        return self.place(found[0] if found else self.module, line)

    def place_of(self, name: str) -> Place | None:
        """Where a function begins, or where its name is given a value; None where inference.py does neither."""
        if found := self._found(name):
            return self.place(found[0], found[1].lineno)
        for node in self._body():
            targets = node.targets if isinstance(node, ast.Assign) else []
            names = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            if isinstance(node, ast.ImportFrom | ast.Import):
                names |= {alias.asname or alias.name for alias in node.names}
            if isinstance(node, ast.ClassDef):
                names.add(node.name)
            if name in names:
                return self.place(self.module, node.lineno)
        if name in self.located:
            return self.place(*self.located[name])
        return None

    def place_of_return(self, name: str) -> Place | None:
        """The last return of a function, or where it begins if it has none."""
        function = self.function(name)
        if function is None:
            return self.place_of(name)
        returns = [node.lineno for node in inside(function) if isinstance(node, ast.Return)]
        return self.at(name, max(returns, default=function.lineno))

    def place_of_none(self, name: str) -> Place | None:
        """Where a function returns nothing: its last statement, where that is a plain one, which ends in None; else its
        last return.
        """
        function = self.function(name)
        if function and isinstance(function.body[-1], ast.Expr | ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Pass):
            return self.at(name, function.body[-1].lineno)
        return self.place_of_return(name)


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
    """Parse the files of the package's code/ that inference.py leads to; a file that nothing imports, such as the
    training script, does not matter to a server.
    """
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
    source = Source(texts, trees, errors)
    wanted = reached(source.module, trees, frozenset(texts))
    for parsed in (trees, errors):
        for name in set(parsed) - wanted:
            del parsed[name]
    return source


def loads_alike(one: Source, other: Source) -> bool:
    """Whether two versions of code/ load the same model: they differ in functions that answer requests alone."""
    return not one.errors and not other.errors and _loading(one) == _loading(other)


def _loading(source: Source) -> dict[str, str]:
    """What is run by the import of inference.py and by model_fn, and all other files, as text without layout."""
    found = {name: ast.dump(tree) for name, tree in source.trees.items() if name != source.module}
    tree = source.trees.get(source.module, ast.Module([], []))
    rest = [node for node in tree.body if not (isinstance(node, Function) and node.name in FUNCTIONS[1:])]
    return {**found, source.module: "\n".join(ast.dump(node) for node in rest)}
