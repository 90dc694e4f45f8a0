"""Real manifests, changed at one place each: what a person mistypes, and what nobody would."""

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yaml_files import documents as read_documents

ROOT = Path(__file__).parents[1]
JUNK: tuple[Any, ...] = (
    *(None, 0, 5, -1, 1.5, 10**30, True, False, "", "text", "a b", "{{", "{{=", "{{= 1 +}}", "{{x}}", "{{item}}"),
    *(
        "{{workflow.name}}",
        "{{=let x = 1; x}}",
        "0x" + "f" * 300,
        "%v",
        "%",
        "1",
        "-1",
        "1e9",
        "\x00",
        "/",
        "/tmp",
        "é",
    ),
    *([], [None], [5], ["text"], [[]], [{}], [{"name": "a"}], {}, {"name": "a"}, {"a": None}, {"name": {}}, {5: 5}),
)


def documents() -> dict[str, list[dict[str, Any]]]:
    """The objects of each manifest, by its file's name."""
    files = [*(ROOT / "workflows" / "manifests").glob("*.yaml"), *(ROOT / "tests/conformance/cases").glob("*.yaml")]
    return {path.name: read_documents(path) for path in sorted(files)}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container inside a value with each of its keys or indexes."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def mutated(objects: list[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """The objects with one of their places changed, removed, doubled, renamed or exchanged with another."""
    found = copy.deepcopy(objects)
    every = list(places(found))
    at, key = chance.choice(every)
    kind = chance.choice(("junk", "junk", "junk", "remove", "double", "rename", "exchange", "wrap"))
    if kind == "remove":
        del at[key]
    elif kind == "double" and isinstance(at, list):
        at.append(copy.deepcopy(at[key]))
    elif kind == "rename" and isinstance(at, dict):
        at[chance.choice(("name", "template", "value", "when", "x", 5))] = at.pop(key)
    elif kind == "exchange":
        other, name = chance.choice(every)
        at[key] = copy.deepcopy(other[name])
    elif kind == "wrap":
        at[key] = chance.choice(([at[key]], {"a": at[key]}))
    else:
        at[key] = copy.deepcopy(chance.choice(JUNK))
    return found
