"""Every version that a manifest, a chart, a playbook or a Dockerfile names is one that is known to exist."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from yaml_files import document

from slipway_steps import __version__
from slipway_steps.settings import PROJECT_ROOT

KNOWN = {
    # Argo Events 1.9.11 on a cluster: what its controller's configuration lists; any other is `unsupported version`.
    "jetstream": {
        *("latest", "2.8.1", "2.8.1-alpine", "2.8.2", "2.8.2-alpine", "2.9.1", "2.9.12", "2.9.16", "2.10.29"),
    },
    # Seen running: Argo Workflows 4.1.2, Argo CD 3.5.1, Argo Events 1.9.11, metrics-server 0.8.0.
    "argo_workflows_version": {"4.1"},
    "argo_cd_version": {"3.5"},
    "argo_events_version": {"1.9"},
    "metrics_server_version": {"", "0.8"},
    # Seen running: registry 3.0 and versitygw 1.8; tests/test_seen_versions.py has the list.
    "library/registry": {"3.0.0"},
    "versity/versitygw": {"v1.8.0"},
    # Tags that their projects published; not run by us on a cluster.
    "library/postgres": {"17.6-bookworm"},
    "moby/buildkit": {"v0.29.0-rootless"},
    "library/python": {"3.11.14-slim-bookworm"},
    # Our own.
    "slipway/app": {__version__},
    "slipway/handler": {__version__},
    "slipway/mlflow": {__version__},
    "slipway/steps": {__version__},
    "slipway/train": {__version__},
}
"""Versions that exist, and where they were seen. `latest` is known to Argo Events and still not to be named."""

IMAGE = re.compile(r"(?:docker\.io/)?([a-z]+/[a-z]+):([A-Za-z0-9][\w.-]*)(?=[\"'\s]|$)")


def values(inside: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """The images of a chart's values: maps with a name and a tag."""
    if isinstance(inside, dict):
        if {"name", "tag"} <= set(inside):
            yield path, inside["name"], str(inside["tag"])
        for value in inside.values():
            yield from values(value, path)


def in_lines(path: str, begin: str) -> Iterator[tuple[str, str, str]]:
    """The images in lines of a file that begin so."""
    for line in (PROJECT_ROOT / path).read_text().splitlines():
        if line.strip().startswith(begin):
            yield from ((path, *found) for found in IMAGE.findall(line))


def named() -> Iterator[tuple[str, str, str]]:
    """File, what it names, and in which version."""
    for path in sorted((PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml")):
        manifest = document(path)
        if manifest["kind"] == "EventBus":
            yield path.name, "jetstream", manifest["spec"]["jetstream"]["version"]
        for line in path.read_text().splitlines():
            if re.match(r"\s*(image|value): ", line):
                yield from ((path.name, *found) for found in IMAGE.findall(line))
    yield from in_lines("compose.yaml", "image: ")
    for path in sorted((PROJECT_ROOT / "charts").glob("*/values*.yaml")):
        yield from values(document(path), str(path.relative_to(PROJECT_ROOT)))
    for path in sorted((PROJECT_ROOT / "ansible" / "roles").glob("*/defaults/main.yml")):
        for name, value in document(path).items():
            if name in KNOWN:
                yield str(path.relative_to(PROJECT_ROOT)), name, value
    for path in sorted((PROJECT_ROOT / "images").glob("*/Dockerfile")):
        yield from in_lines(str(path.relative_to(PROJECT_ROOT)), "ARG PYTHON_IMAGE=")


NAMED = sorted(set(named()))


@pytest.mark.parametrize(("place", "what", "version"), NAMED)
def test_the_version_exists(place: str, what: str, version: str) -> None:
    assert version in KNOWN[what], f"{place} names {what} {version}; known are {', '.join(sorted(KNOWN[what]))}"
    assert version != "latest"


def test_nothing_is_overlooked() -> None:
    """Each of the list is found somewhere; of our own images some are put together by an installer."""
    assert {what for _, what, _ in NAMED} >= {what for what in KNOWN if not what.startswith("slipway/")}
