"""What the controller and the local engine store is read whole, whatever is missing."""

import base64
import gzip
import json
import string
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_workflows.argo import NodeType, Phase, StoredWorkflow, events
from slipway_workflows.argo.compression import packed_status
from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.argo.stored_node import read_node
from slipway_workflows.argo.times import time_text
from slipway_workflows.cli.summary import exit_code
from slipway_workflows.cli.workflow_views import node_tree
from slipway_workflows.engine.state.nodes import Node, node_of
from slipway_workflows.report import branch_picture

NAMES = st.text(string.ascii_lowercase + "-.()[]:0123456789 ä", max_size=12)
VALUES = st.fixed_dictionaries(
    {}, optional={"parameters": st.lists(st.fixed_dictionaries({"name": NAMES, "value": NAMES}), min_size=1)}
)
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda moment: time_text(moment, "milliseconds"))
NODES = st.builds(
    Node,
    id=NAMES.filter(bool),
    name=NAMES.filter(bool),
    display_name=NAMES.filter(bool),
    type=st.sampled_from([one.value for one in NodeType if one]),
    phase=st.sampled_from([one.value for one in Phase]),
    template_name=NAMES,
    template_ref=st.none() | st.just({"name": "x", "template": "main"}),
    message=NAMES,
    boundary=NAMES,
    started=TIMES,
    finished=st.just("") | TIMES,
    children=st.lists(NAMES),
    outbound=st.lists(NAMES),
    inputs=VALUES,
    outputs=VALUES,
    flags=st.just({}) | st.just({"hooked": True}),
)


@settings(deadline=None)
@given(NODES)
def test_what_the_engine_stores_is_read_as_it_was(node: Node) -> None:
    stored = json.loads(json.dumps(node.stored()))
    assert node_of(read_node(node.id, stored), None) == node


ENTRIES = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {},
        optional={
            "name": NAMES,
            "displayName": st.none() | NAMES,
            "type": st.sampled_from([*NodeType, "Later"]),
            "phase": st.sampled_from([*Phase, "", "Later"]),
            "startedAt": st.sampled_from([None, "", "2026-11-20T12:00:00Z", "soon"]),
            "finishedAt": st.sampled_from([None, "", "2026-11-20T12:00:01Z"]),
            "boundaryID": NAMES,
            "children": st.none() | st.lists(NAMES),
            "outputs": st.none() | VALUES,
            "templateRef": st.none() | st.just({"name": "x"}),
        },
    ),
    max_size=6,
)


@settings(deadline=None)
@given(ENTRIES, st.sampled_from([None, *Phase, "Later"]))
def test_no_command_stumbles_over_any_node(nodes: dict[str, Any], phase: str | None) -> None:
    status = {"phase": phase, "nodes": nodes} if phase else {}
    workflow = StoredWorkflow({"metadata": {"name": "wf"}, "status": status})
    node_tree(workflow)
    events(workflow)
    branch_picture(workflow)
    assert exit_code(workflow) in (0, 1)


@pytest.mark.parametrize("manifest", [{}, {"metadata": {"name": "x"}}, {"status": None}, {"status": {"nodes": None}}])
def test_a_workflow_that_nobody_has_looked_at_is_pending(manifest: dict[str, Any]) -> None:
    workflow = read_workflow(manifest)
    assert (workflow.phase, workflow.root, list(workflow.nodes), workflow.waiting) == (Phase.PENDING, None, [], [])


@pytest.mark.parametrize("garbage", [None, [], "x", {"kind": "Pod"}, {"spec": 7}, {"status": [1]}])
def test_what_is_no_workflow_is_bad_input(garbage: Any) -> None:
    with pytest.raises(BadInput, match="not a Workflow"):
        read_workflow(garbage)


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        "x",
        {"a": 7},
        {"a": {"children": 7}},
        {"a": {"message": [1]}},
        {"a": {"outputs": "x"}},
        {"a": {"outputs": {"parameters": [5]}}},
        {"a": {"inputs": {"parameters": [{"value": 5}]}}},
    ],
)
def test_nodes_in_another_form_are_bad_input(nodes: Any) -> None:
    with pytest.raises(BadInput, match="not in Argo's form"):
        _ = StoredWorkflow({"status": {"nodes": nodes or [1]}}).nodes


def test_compressed_nodes_are_read_and_written() -> None:
    nodes = {"wf": {"id": "wf", "name": "wf", "type": "Pod", "phase": "Running"}}
    status = packed_status({"phase": "Running", "nodes": nodes}, above=1)
    assert set(status) == {"phase", "compressedNodes"}
    assert json.loads(gzip.decompress(base64.b64decode(status["compressedNodes"]))) == nodes
    workflow = StoredWorkflow({"metadata": {"name": "wf"}, "status": status})
    assert workflow.nodes["wf"].phase is Phase.RUNNING
    assert workflow.with_nodes_unpacked()["status"] == {"phase": "Running", "nodes": nodes}
    assert packed_status(workflow.with_nodes_unpacked()["status"]) == {"phase": "Running", "nodes": nodes}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"offloadNodeStatusVersion": "fnv:1"}, "Argo's database"),
        ({"compressedNodes": "garbage"}, "cannot be unpacked"),
    ],
)
def test_nodes_that_cannot_be_read_stop_nobody_who_needs_none(status: dict[str, Any], said: str) -> None:
    workflow = StoredWorkflow({"metadata": {"name": "wf"}, "status": {"phase": "Running", **status}})
    assert workflow.phase is Phase.RUNNING
    with pytest.raises(PlatformError, match=said):
        _ = workflow.nodes


def entry(name: str, kind: str, boundary: str = "", children: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"name": name, "displayName": name, "type": kind, "boundaryID": boundary, "children": list(children)}


def test_a_node_is_shown_under_its_loop_or_retry_node_or_else_its_template() -> None:
    found = [
        entry("wf", "DAG", children=("wf.a",)),
        entry("wf.a", "TaskGroup", "wf", ("wf.a(0:x)", "wf.b")),  # what follows a loop without items is its child too
        entry("wf.a(0:x)", "Retry", "wf", ("wf.a(0:x)(0)",)),
        entry("wf.a(0:x)(0)", "Pod", "wf", ("wf.a(0:x)(0).onExit", "wf.b")),
        entry("wf.a(0:x)(0).onExit", "Pod", "wf"),
        entry("wf.b", "Pod", "wf"),
        entry("wf.onExit", "Pod"),
    ]
    workflow = StoredWorkflow({"metadata": {"name": "wf"}, "status": {"nodes": {one["name"]: one for one in found}}})
    assert workflow.display_parents == {
        "wf": None,
        "wf.a": "wf",
        "wf.a(0:x)": "wf.a",
        "wf.a(0:x)(0)": "wf.a(0:x)",
        "wf.a(0:x)(0).onExit": "wf",
        "wf.b": "wf",
        "wf.onExit": "wf",
    }
