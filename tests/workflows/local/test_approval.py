"""`promote-to-production` on this machine: each way to answer, and none, with the real steps that tell of it."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from sampling import for_acceptance

from slipway_steps.settings import PROJECT_ROOT, Settings
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.cli import main
from slipway_workflows.cli.summary import headline
from slipway_workflows.local import LocalWorkflows

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
SHOWN = ("model-version", "digest", "replaces", "evaluation", "handler", "resources", "integration", "load", "links")


def stand_in(template: dict[str, Any], script: str) -> dict[str, Any]:
    """A pod template whose step is replaced by a shell script; its inputs and outputs stay."""
    container = {"image": "busybox:1.37", "command": ["sh", "-c", script]}
    return {key: template[key] for key in ("name", "inputs", "outputs") if key in template} | {"container": container}


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """The catalog, without the parts of promote-to-production that need a model: what is asked, and the promotion."""
    directory = tmp_path / "manifests"
    shutil.copytree(MANIFESTS, directory)
    for name, step, script in (
        ("promote-to-production", "evidence", "; ".join(f"echo the {one} > /tmp/outputs/{one}" for one in SHOWN)),
        ("promote-model", "promote", "echo promoted"),
    ):
        path = directory / f"{name}.yaml"
        manifest = yaml.safe_load(path.read_text())
        spec = manifest["spec"]
        spec["templates"] = [stand_in(one, script) if one["name"] == step else one for one in spec["templates"]]
        path.write_text(yaml.safe_dump(manifest))
    return directory


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The first lines of the messages that a webhook was sent."""
    lines: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
            lines.append(text.splitlines()[0])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("SLIPWAY_NOTIFY_URL", f"http://127.0.0.1:{server.server_port}/hook")
    yield lines
    server.shutdown()
    server.server_close()


def until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def asked(there: LocalWorkflows, answer: Callable[[str], object]) -> StoredWorkflow:
    """Run the workflow until it asks, answer, and return it ended."""
    execution = there.submit("promote-to-production", {})
    ended: list[StoredWorkflow] = []
    thread = threading.Thread(target=lambda: ended.append(execution.follow(lambda event: None)))
    thread.start()
    try:
        until(lambda: [found for found in there.list() if found.workflow.waiting])
        answer(execution.name)
        thread.join(60)
    finally:
        execution.stop()
        thread.join(20)
    return ended[0]


def by_name(workflow: StoredWorkflow) -> dict[str, tuple[str, str]]:
    """Phase and message by name; a failed node hides others of its name."""
    nodes = sorted(workflow.nodes.values(), key=lambda node: node.phase.failed)
    return {node.display_name: (node.phase.value, node.message_for_people) for node in nodes}


ANSWERS: dict[str, Callable[[LocalWorkflows], Callable[[str], object]]] = {
    "approve": lambda there: lambda name: there.answer(name, "approve"),
    "resume": lambda there: lambda name: there.resume(name, None),
    "reject": lambda there: lambda name: there.answer(name, "reject"),
    "stop": lambda there: there.stop,
    "nobody": lambda there: lambda name: None,
}


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("approve", "approved by a person"),
        for_acceptance("resume", "approved by a person"),
        ("reject", "rejected by a person"),
        for_acceptance("stop", "rejected by a person"),
        ("nobody", "nobody answered in time"),
    ],
)
def test_each_answer_has_its_end_and_its_words(
    how: str, words: str, manifests: Path, heard: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if how == "nobody":
        path = manifests / "promote-to-production.yaml"
        path.write_text(path.read_text().replace("activeDeadlineSeconds: 86400", "activeDeadlineSeconds: 3"))
    there = LocalWorkflows(Settings(home=tmp_path / "home"), manifests, lambda text: None, lambda: time.sleep(0.05))
    workflow = asked(there, ANSWERS[how](there))
    nodes = by_name(workflow)
    assert nodes["approve"][1].startswith(words)
    promoted = nodes.get("promote", ("",))[0] == "Succeeded"
    assert promoted == (words == "approved by a person")
    assert workflow.phase == ("Succeeded" if promoted else "Failed")
    assert [node for node in nodes if node.endswith("onExit")], "whatever the answer, the exit handler runs"
    assert nodes["finish"][0] == "Succeeded"
    if promoted:
        assert heard == [f"{workflow.name}: Succeeded"]
        return
    assert nodes["rejected(0)"][0] == "Failed"
    assert nodes["rejected(0)"][1].endswith(f"was not promoted: {words}"), "a step says it, in red"
    assert heard == [f"{workflow.name}: {words}"]
    assert headline(workflow, []) == f"{workflow.name}: {words}"
    assert main(["--home", str(tmp_path / "home"), "get", workflow.name]) == 0
    assert words in capsys.readouterr().out
    assert not any("gate" in message for _, message in nodes.values()), "no gate has spoken"


def test_who_is_asked_sees_what_is_promoted(
    manifests: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = LocalWorkflows(Settings(home=tmp_path / "home"), manifests, lambda text: None, lambda: time.sleep(0.05))

    def look(name: str) -> None:
        assert main(["--home", str(tmp_path / "home"), "get", name]) == 0
        there.resume(name, None)

    asked(there, look)
    said = capsys.readouterr().out
    for line in ("model-version: the model-version", "load: the load", "target-environment: production"):
        assert f"  {line}" in said
    assert "decision" not in said.partition("waits for an answer")[2]
