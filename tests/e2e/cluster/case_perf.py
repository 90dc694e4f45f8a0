"""A performance test: its runs are measured in a namespace of their own, and nothing of them stays."""

from e2e.cluster.installation import GROUP, Installation

PERF_NAMESPACE = "slipway-perf"
SESSION_LABEL = "slipway.dev/perf-session"


def passes(installation: Installation, **parameters: str) -> None:
    """Run a performance test that has to pass."""
    ended = installation.ended(installation.submit("perf-test", **parameters))
    shown = (ended["status"].get("outputs") or {}).get("parameters") or []
    outputs = {one["name"]: one["value"] for one in shown}
    assert outputs.get("verdict") == "pass", [
        ended["status"].get("message"),
        *(one.get("message") for one in ended["status"].get("nodes", {}).values()),
    ]


def test_a_performance_test_measures_its_runs_and_removes_them(installation: Installation) -> None:
    # its five runs succeed, and there is no baseline that could reject them
    passes(installation)
    nothing_is_left(installation)


def test_a_baseline_is_measured_on_the_cluster(installation: Installation) -> None:
    passes(installation, scenario="experiment.json", baseline="true", sessions="5")
    nothing_is_left(installation)


def nothing_is_left(installation: Installation) -> None:
    left = installation.custom.list_namespaced_custom_object(*GROUP, PERF_NAMESPACE, "workflows")["items"]
    assert [one for one in left if SESSION_LABEL in (one["metadata"].get("labels") or {})] == []
