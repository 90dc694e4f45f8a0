"""docs/install.md says of each version whether it was seen on a cluster.

What was seen is told in the facts beside the project, where they are at hand: without them the tests of it are skipped.
"""

import re

import pytest
from install_page import PAGE, section
from test_versions import KNOWN, NAMED

from slipway_steps.settings import PROJECT_ROOT

FACTS = PROJECT_ROOT.parent / "shared" / "facts"
TABLE = section("## What was tested", "**How long a release")
PINNED = {
    "Argo Workflows": "argo_workflows_version",
    "Argo CD": "argo_cd_version",
    "Argo Events": "argo_events_version",
    "PostgreSQL": "library/postgres",
    "versitygw": "versity/versitygw",
    "registry": "library/registry",
    "BuildKit": "moby/buildkit",
    "Python of the images": "library/python",
}
"""Row of the table -> what test_versions.py calls it, of that which a chart, role or Dockerfile names."""
SEEN_BY_FACTS = {*("Kubernetes", "Argo Workflows", "Argo CD", "Argo Events", "metrics-server"), "versitygw", "registry"}
"""What facts name beside PostgreSQL, whose version in charts/platform is another one."""


def rows() -> dict[str, tuple[str, str]]:
    """Program -> the version that was seen, and the version that the page, a chart or a role installs."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.splitlines() if line.startswith("|")]
    return {cells[0]: (cells[1], cells[2]) for cells in lines[2:]}


def of(pin: str) -> str:
    """The number in a pinned version: `17.6` of `17.6-bookworm`, `1.8.0` of `v1.8.0`."""
    return re.sub(r"^v|-.*$", "", pin)


def same(one: str, other: str) -> bool:
    """Whether one version is the other, said more precisely: `1.8` and `1.8.0`."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


@pytest.fixture(scope="module")
def facts() -> str:
    if not FACTS.is_dir():
        pytest.skip(f"there is no directory {FACTS.parent.name}/{FACTS.name} beside the project")
    return (FACTS / "cluster.md").read_text()


def test_the_table_has_what_is_pinned() -> None:
    for program, (_, installed) in rows().items():
        pins = {version for _, what, version in NAMED if what == PINNED.get(program)}
        assert pins or program not in PINNED, f"nothing names a version of {program}"
        assert all(same(installed, of(pin)) for pin in pins), f"{program}: {installed}, pinned: {pins}"


def test_the_page_installs_what_the_table_says() -> None:
    (node,) = re.findall(r"kindest/node:v([\d.]+)", PAGE.read_text())
    (metrics,) = re.findall(r"metrics-server/releases/download/v([\d.]+)/", PAGE.read_text())
    assert (rows()["Kubernetes"][1], rows()["metrics-server"][1]) == (node, metrics)


def test_what_was_not_seen_is_said_in_words() -> None:
    (sentence,) = re.findall(r"\*\*Not seen on any cluster\*\*: (.*?)\n\n", TABLE, re.S)
    for program, (seen, installed) in rows().items():
        assert (installed in sentence) is not same(seen, installed), program


@pytest.mark.parametrize("program", [*sorted(SEEN_BY_FACTS), "PostgreSQL"])
def test_the_seen_version_is_that_of_the_facts(program: str, facts: str) -> None:
    (line,) = [line for line in facts.splitlines() if line.startswith("Seen on ")]
    (version,) = re.findall(rf"\b{re.escape(program)} ([\d.]*\d)", line)
    assert rows()[program][0] == version
    for known in KNOWN.get(PINNED.get(program, "metrics_server_version" if program == "metrics-server" else ""), ()):
        assert known == "" or same(of(known), version) is (program in SEEN_BY_FACTS), f"{program} {known}"


def test_the_versions_of_the_event_bus_are_those_of_the_facts(facts: str) -> None:
    (listed,) = re.findall(r"EventBus versions that 1\.9\.11 knows: (.*?\d)\. ", facts)
    assert set(listed.split(", ")) == KNOWN["jetstream"]
