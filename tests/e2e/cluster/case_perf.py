"""A performance test: its runs are measured in a namespace of their own, and nothing of them stays."""

from e2e.cluster.installation import GROUP, Installation

PERF_NAMESPACE = "slipway-perf"
SESSION_LABEL = "slipway.dev/perf-session"


def test_a_performance_test_measures_its_runs_and_removes_them(installation: Installation) -> None:
    ended = installation.ended(installation.submit("perf-test"))
    shown = (ended["status"].get("outputs") or {}).get("parameters") or []
    outputs = {one["name"]: one["value"] for one in shown}
    # its five runs have succeeded, and there is no baseline that could reject them
    assert outputs.get("verdict") == "pass", [
        ended["status"].get("message"),
        *(one.get("message") for one in ended["status"].get("nodes", {}).values()),
    ]
    left = installation.custom.list_namespaced_custom_object(*GROUP, PERF_NAMESPACE, "workflows")["items"]
    assert [one for one in left if SESSION_LABEL in (one["metadata"].get("labels") or {})] == []
