"""Where a release is in MLflow."""

from typing import NamedTuple


class RunAddress(NamedTuple):
    """The ids of a release's run and of its experiment, as MLflow's addresses need them."""

    experiment: str
    run: str
