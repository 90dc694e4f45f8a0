"""A performance test on the simulated cluster, with the rights of its own service account."""

from collections.abc import Iterator

import pytest
from e2e.cluster import case_perf


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """An installation in which nothing was released yet: performance tests need no release."""
    pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
    from simulated_cluster.cluster import SimulatedCluster, SimulatedInstallation

    directory = tmp_path_factory.mktemp("cluster")
    cluster = SimulatedCluster(directory)
    yield SimulatedInstallation(cluster, directory, "")
    cluster.close()


test_performance_test = case_perf.test_a_performance_test_measures_its_runs_and_removes_them
test_baseline = case_perf.test_a_baseline_is_measured_on_the_cluster
