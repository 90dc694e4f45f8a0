"""The line number of every field of a YAML document."""

from collections.abc import Iterator

import yaml

FieldPath = tuple[str | int, ...]
"""The path of a field in its object: keys and indexes from the top, such as ("spec", "templates", 0, "name")."""


def lines_of(node: yaml.Node, path: FieldPath = (), depth: int = 0) -> Iterator[tuple[FieldPath, int]]:
    """The path and line number (from 1) of a node of YAML and of all nodes below it. A field begins at its key."""
    yield path, node.start_mark.line + 1
    if depth > 60:  # YAML anchors can make an endless structure
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield from lines_of(value, (*path, key.value), depth + 1)
                yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from lines_of(value, (*path, index), depth + 1)


def nearest_line(lines: dict[FieldPath, int], path: FieldPath) -> int:
    """The line number of a field, or of the nearest field around it whose line is known."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
