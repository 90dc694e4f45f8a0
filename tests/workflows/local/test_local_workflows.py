"""The port to workflows on this machine."""

import copy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.settings import Settings
from slipway_workflows import engine
from slipway_workflows.argo import Event, StoredWorkflow
from slipway_workflows.cli.render import MANIFESTS
from slipway_workflows.local import LocalExecution, LocalWorkflows
from slipway_workflows.ports import Workflows

ASK = {"parameters": [{"name": "decision", "valueFrom": {"supplied": {}, "default": "no"}}]}
WORD = {"name": "word", "value": "a", "enum": ["a", "b"]}
TEMPLATE: dict[str, Any] = {
    "kind": "WorkflowTemplate",
    "metadata": {"name": "asks"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": [WORD]},
        "templates": [
            {"name": "main", "steps": [[{"name": "say", "template": "say"}], [{"name": "ask", "template": "ask"}]]},
            {"name": "say", "container": {"image": "alpine:3", "command": ["echo", "{{workflow.parameters.word}}"]}},
            {"name": "ask", "suspend": {}, "outputs": ASK},
        ],
    },
}


@pytest.fixture
def there(tmp_path: Path) -> LocalWorkflows:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "asks.yaml").write_text(yaml.safe_dump(TEMPLATE))
    return LocalWorkflows(Settings(home=tmp_path / "home"), manifests, warn=lambda text: None, pause=pause)


def pause() -> None:
    time.sleep(0.02)


def test_a_run_whose_files_are_damaged_is_named_and_left_out(tmp_path: Path, there: LocalWorkflows) -> None:
    told: list[str] = []
    listing = LocalWorkflows(there.settings, there.manifests, warn=told.append)
    with started(there) as execution:
        pass
    damaged = there.home / "runs" / "damaged"
    damaged.mkdir()
    (damaged / "workflow.json").write_text("{")
    assert [found.name for found in listing.list()] == [execution.name]
    assert len(told) == 1
    assert "damaged" in told[0]
    assert "workflow.json" in told[0]


@pytest.fixture
def running(there: LocalWorkflows) -> Iterator[LocalExecution]:
    with started(there) as execution:
        yield execution


@contextmanager
def started(there: LocalWorkflows) -> Iterator[LocalExecution]:
    """A workflow that another thread runs, and that waits for an answer."""
    execution = there.submit("asks", {"word": "b"})
    thread = threading.Thread(target=lambda: execution.follow(lambda event: None))
    thread.start()
    until(lambda: [found for found in there.list() if found.workflow.waiting])
    yield execution
    execution.stop()
    thread.join(20)


def until(look: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline
        pause()


def test_it_is_a_port(there: LocalWorkflows) -> None:
    port: Workflows = there
    assert port.runs_in_foreground
    assert list(port.list()) == []


def test_a_workflow_of_another_process_is_watched_and_answered(there: LocalWorkflows, running: LocalExecution) -> None:
    heard: list[Event] = []
    ended: list[StoredWorkflow] = []
    watcher = threading.Thread(target=lambda: ended.append(there.watch(running.name, heard.append)))
    watcher.start()
    until(lambda: [event for event in heard if event.path == "ask"])
    there.answer(running.name, "approve")
    watcher.join(20)
    assert ended[0].phase == "Succeeded"
    assert [event.log is not None for event in heard if event.path == "say"] == [True]
    (ask,) = (node for node in ended[0].nodes.values() if node.display_name == "ask")
    assert ask.outputs["parameters"][0]["value"] == "approve"
    ((node, text),) = there.log(running.name, ended[0].pods)
    assert (node.display_name, text) == ("say", "b\n")
    with pytest.raises(Refused, match=r"does not (run any more|wait for an answer)"):
        there.resume(running.name, None)


def test_it_goes_on_with_its_defaults(there: LocalWorkflows, running: LocalExecution) -> None:
    with pytest.raises(Refused, match=r"node other of workflow .* does not wait"):
        there.resume(running.name, "other")
    there.resume(running.name, "ask")
    assert there.watch(running.name, lambda event: None).phase == "Succeeded"


def test_a_workflow_that_died_is_not_watched_for_ever(there: LocalWorkflows, running: LocalExecution) -> None:
    there.stop(running.name)
    ended = there.watch(running.name, lambda event: None)
    assert ended.phase == "Failed"
    found = there.get(running.name)
    assert found.files is not None
    path = found.files / "workflow.json"
    until(lambda: not (found.files / "work").exists())  # type: ignore[operator]
    path.write_text(path.read_text().replace('"phase": "Failed", ', '"phase": "Running", ', 1))
    assert there.get(running.name).died
    with pytest.raises(Refused, match="has died"):
        there.watch(running.name, lambda event: None)


@pytest.mark.parametrize(
    ("template", "parameters", "said"),
    [("asks", {"word": "c"}, "word=c is not one of its values"), ("asks", {"wort": "a"}, "wort"), ("x", {}, "x")],
)
def test_what_cannot_be_submitted_leaves_nothing(
    there: LocalWorkflows, template: str, parameters: dict[str, str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        there.submit(template, parameters)
    assert not there.home.exists()


def test_nothing_was_ever_released_here(there: LocalWorkflows) -> None:
    with pytest.raises(Refused, match="staging serves nothing"):
        there.version_in(Environment.STAGING)


def test_a_question_without_a_default_is_not_resumed(tmp_path: Path) -> None:
    template = copy.deepcopy(TEMPLATE)
    del template["spec"]["templates"][2]["outputs"]["parameters"][0]["valueFrom"]["default"]
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "asks.yaml").write_text(yaml.safe_dump(template))
    there = LocalWorkflows(Settings(home=tmp_path / "home"), manifests, warn=lambda text: None, pause=pause)
    with started(there) as running:
        with pytest.raises(Refused, match="node ask needs a value for decision"):
            there.resume(running.name, None)
        there.answer(running.name, "approve")
        assert there.watch(running.name, lambda event: None).phase == "Succeeded"


def test_a_retry_checks_the_values_it_is_given(there: LocalWorkflows) -> None:
    with started(there) as running:
        there.stop(running.name)
        assert there.watch(running.name, lambda event: None).phase == "Failed"
        until(lambda: not engine.stored_run(there.home, running.name).alive)
        with pytest.raises(BadInput, match="word=c is not one of its values"):
            there.retry(running.name, {"word": "c"})


def test_a_path_given_to_a_retry_is_one_of_the_directory_where_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = LocalWorkflows(Settings(home=tmp_path / "home"), MANIFESTS, warn=lambda text: None, pause=pause)
    (tmp_path / "empty").mkdir()
    first = there.submit("train-model", {"dataset": str(tmp_path / "empty")})
    assert first.follow(lambda event: None).phase == "Failed"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="dataset=nowhere: there is no "):
        there.retry(first.name, {"dataset": "nowhere"})
    second = there.retry(first.name, {"dataset": "empty"})
    second.follow(lambda event: None)
    spec = engine.stored_run(there.home, first.name).workflow.manifest["spec"]
    values = {one["name"]: one["value"] for one in spec["arguments"]["parameters"]}
    assert values["dataset"] == str(tmp_path / "empty")
