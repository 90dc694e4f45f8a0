"""Imports everything that the Python files of directories import, wherever the statement stands.

    python imports.py DIRECTORY... [--without FILE_OR_DIRECTORY...]

The last thing of an image's build: what is missing fails there, and not in the middle of a release. What an image holds
but never runs is named by `--without`, below the directories.
"""

import argparse
import ast
import sys
from pathlib import Path


def statements(path: Path) -> set[str]:
    """The import statements of a file, one name each."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {f"import {alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"from {node.module} import {alias.name}" for alias in node.names}
    return found


def main() -> None:
    """Try each statement once; say every one that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", metavar="DIRECTORY", type=Path, nargs="+")
    parser.add_argument("--without", metavar="FILE_OR_DIRECTORY", nargs="+", default=[])
    arguments = parser.parse_args()
    found: dict[str, Path] = {}
    left_out = set()
    for directory in arguments.directories:
        files = []
        for file in sorted(directory.rglob("*.py")):
            inside = f"/{file.relative_to(directory).as_posix()}/"
            names = [name for name in arguments.without if f"/{name}/" in inside]
            left_out |= {*names}
            if not names:
                files.append(file)
        # a program finds the modules beside it
        sys.path[:0] = sorted({str(file.parent) for file in files if not (file.parent / "__init__.py").exists()})
        found |= {statement: file for file in files for statement in statements(file)}
    failed = [f"--without {name}: there is no such file" for name in arguments.without if name not in left_out]
    # the load generator changes TLS for the whole process, and fails where others have imported it: first
    for statement in sorted(found, key=lambda one: ("locust" not in one, one)):
        try:
            exec(statement, {})  # noqa: S102 - an import statement of our own files
        except Exception as error:
            failed.append(f"{found[statement]}: {statement}: {type(error).__name__}: {error}")
    if failed:
        sys.exit("\n".join(failed))
    print(f"{len(found)} imports work")


if __name__ == "__main__":
    main()
