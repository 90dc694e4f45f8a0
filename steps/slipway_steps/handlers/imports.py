"""Which modules a handler cannot do without."""

import ast
import re
from collections.abc import Iterator

from slipway_steps.domain.handler import Place
from slipway_steps.handlers.source import Source, effective

FAILED = re.compile(r"\b(ImportError|ModuleNotFoundError|Exception|BaseException)\b")
"""What catches an import that fails."""
DEPENDS = re.compile(r"TYPE_CHECKING|sys\.platform|os\.name|platform\.|version_info|find_spec|environ|getenv")
"""Conditions under which an import may never run."""


def imports_of(source: Source) -> dict[str, Place]:
    """The modules that are imported without a fallback, by the name of the topmost, with the first place of each."""
    found: dict[str, Place] = {}
    for name, tree in source.trees.items():
        optional = {id(one) for node in ast.walk(tree) for one in _optional(node)}
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
                found.setdefault(module.partition(".")[0], source.place(name, node.lineno))
    return found


def _optional(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below a node that run only if an import fails or under a condition, and those whose failure is caught.

    Of several that replace each other one may be enough; only the load shows it.
    """
    if isinstance(node, ast.Try):
        caught = " ".join(ast.unparse(one.type) if one.type else "Exception" for one in node.handlers)
        if FAILED.search(caught):
            yield from ast.walk(node)
    if isinstance(node, ast.With) and any("suppress" in ast.unparse(one.context_expr) for one in node.items):
        yield from ast.walk(node)
    if isinstance(node, ast.If) and DEPENDS.search(ast.unparse(node.test)):
        yield from ast.walk(node)
