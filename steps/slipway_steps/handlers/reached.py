"""Which files of code/ are imported, directly or by what is imported, when the server imports inference.py."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath


def reached(module: str, trees: Mapping[str, ast.Module], files: frozenset[str]) -> frozenset[str]:
    """The files that a file leads to, with itself. `trees` are the files that could be parsed, `files` all of them."""
    found, waiting = {module}, [module]
    while waiting:
        name = waiting.pop()
        for imported in _imported(name, trees[name]) if name in trees else ():
            for file in _files_of(imported):
                if file in files and file not in found:
                    found.add(file)
                    waiting.append(file)
    return frozenset(found)


def _imported(file: str, tree: ast.Module) -> Iterator[str]:
    """The names of the modules that a file may import, also those that are only names inside of a module."""
    package = PurePosixPath(file).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            yield base
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _files_of(module: str) -> Iterator[str]:
    """The files that the import of a module runs: its own, and those of the packages that it is in."""
    parts = module.strip(".").split(".")
    for count in range(1, len(parts) + 1):
        path = "/".join(parts[:count])
        yield f"{path}.py"
        yield f"{path}/__init__.py"
