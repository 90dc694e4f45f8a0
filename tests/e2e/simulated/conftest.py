"""The cases of the suite for real clusters, on a simulated one: the same steps, by the same commands, in each test run.

What a real cluster enforces is enforced: admission, rights of service accounts, selectors, content types.
"""

import os
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite(
    *(f"e2e.cluster.{name}" for name in ("expectations", "installation")),
    *(f"e2e.cluster.case_{name}" for name in ("initial", "releases", "promotion", "interruptions", "pods")),
)


@pytest.fixture(scope="module")
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A new installation on a cluster of its own."""
    pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
    from simulated_cluster.cluster import SimulatedCluster, SimulatedInstallation

    package = os.environ.get("SLIPWAY_E2E_PACKAGE") or request.getfixturevalue("trained_package")
    directory = tmp_path_factory.mktemp("cluster")
    cluster = SimulatedCluster(directory)
    yield SimulatedInstallation(cluster, directory, str(package))
    cluster.close()
