"""The suite against a real cluster: `make e2e CONTEXT=NAME`. Its files are no test_*.py, so no other run collects them.

The suite makes an installation of its own, in namespaces of its own, beside whatever the cluster has, and removes it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.cluster import git_pod
from e2e.cluster.context import NotChosen, only_context
from e2e.cluster.installation import Installation
from e2e.cluster.own_namespaces import NotOurs, create, owned, remove
from e2e.cluster.playbooks import NAMESPACES, Playbooks

from slipway_steps import __version__

ORDER = (
    "initial",
    "releases",
    "promotion",
    "interruptions",
    "cron",
    "pods",
    "events",
    "perf",
    "restarts",
    "git",
    "playbooks",
)
"""The groups of cases, one file each, in the order in which they build on each other."""
REGISTRY = "http://registry.kube-system.svc.cluster.local:5000"


def group_of(path: Path) -> str:
    """`events` for case_events.py; empty for another file."""
    return path.stem.removeprefix("case_") if path.stem.startswith("case_") else ""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster")
    group.addoption("--kubeconfig", default=os.environ.get("KUBECONFIG") or "~/.kube/config", type=Path)
    group.addoption("--context", default="", help="the context to use; never the file's current one")
    group.addoption("--registry", default="", help=f"has our images, takes those of releases (default: {REGISTRY})")
    group.addoption("--skip", default="", help=f"groups to leave out, with commas: {', '.join(ORDER)}")


def skipped(config: pytest.Config) -> set[str]:
    """The groups that the command line leaves out."""
    given = {one.strip() for one in config.getoption("--skip").split(",") if one.strip()}
    if given - set(ORDER):
        raise pytest.UsageError(f"--skip: unknown {', '.join(sorted(given - set(ORDER)))}; known: {', '.join(ORDER)}")
    return given


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only cases of this directory, in their order, without those left out."""
    own = [item for item in items if group_of(item.path) in ORDER]
    if not own:
        return
    left_out = skipped(config)
    config.hook.pytest_deselected(items=[item for item in own if group_of(item.path) in left_out])
    items[:] = sorted(
        (item for item in own if group_of(item.path) not in left_out),
        key=lambda item: ORDER.index(group_of(item.path)),
    )


@pytest.fixture(scope="session")
def kubeconfig(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("cluster") / "kubeconfig"
    try:
        return only_context(pytestconfig.getoption("--kubeconfig"), pytestconfig.getoption("--context"), target)
    except NotChosen as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="session")
def playbooks(pytestconfig: pytest.Config, kubeconfig: Path) -> Playbooks:
    registry = pytestconfig.getoption("--registry") or REGISTRY
    return Playbooks(kubeconfig, kubeconfig.parent, registry, events="events" not in skipped(pytestconfig))


@pytest.fixture(scope="session")
def installation(kubeconfig: Path, playbooks: Playbooks) -> Iterator[Installation]:
    """A new installation; it is removed at the end, with its data and its namespaces."""
    found = Installation(kubeconfig, package=os.environ.get("SLIPWAY_E2E_PACKAGE", ""))
    try:
        if owned(found.core, NAMESPACES):
            # a run that was killed has left more than namespaces: Applications that name the images of its releases
            playbooks.play("teardown.yml", teardown_delete_data=True)
        create(found.core, NAMESPACES)
    except NotOurs as error:
        pytest.exit(str(error), returncode=2)
    try:
        git_pod.start(found, f"{playbooks.registry}/slipway/steps:{__version__}")
        for name in ("platform.yml", "argocd_apps.yml", "workflow_templates_apply.yml"):
            playbooks.succeed(name)
        yield found
    finally:
        playbooks.play("teardown.yml", teardown_delete_data=True)
        remove(found.core, NAMESPACES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of cases: group, case, seconds, result."""
    rows = []
    for result in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(result, []):
            if isinstance(report, pytest.TestReport) and (report.when == "call" or result != "passed"):
                rows.append((report.start, report.nodeid, f"{report.duration:.0f}", result))
    rows = [row for row in rows if group_of(Path(row[1].partition("::")[0])) in ORDER]
    if not rows:
        return
    terminalreporter.section("cases", sep="=")
    for _, case, seconds, result in sorted(rows):
        file, _, name = case.partition("::")
        text = name.removeprefix("test_").replace("_", " ")
        terminalreporter.write_line(f"{group_of(Path(file)):<14} {text:<76} {seconds:>6} s  {result}")
