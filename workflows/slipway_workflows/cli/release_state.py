"""What the summary of a release shows besides its steps: the reports of its gates, and what the environments serve.

    python -m slipway_workflows.cli.release_state RELEASE

prints it as JSON. The engine forks this program from a process that has imported MLflow, which takes two seconds.
"""

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway_steps.domain.verdict import GateReport

if TYPE_CHECKING:
    from slipway_workflows.cli.environment_table import EnvironmentStatuses


@dataclass(frozen=True)
class ReleaseState:
    """The reports of the gates, in the order in which they were made, and the status of the environments."""

    reports: list[GateReport]
    environments: "EnvironmentStatuses"

    def to_json(self) -> str:
        """The text that `from_json` reads."""
        reports = [report.model_dump(mode="json") for report in self.reports]
        return json.dumps({"reports": reports, "environments": self.environments})

    @classmethod
    def from_json(cls, text: bytes) -> "ReleaseState | None":
        """The state that a program has printed; None where it printed something else."""
        try:
            found = json.loads(text)
            return cls([GateReport.model_validate(one) for one in found["reports"]], found["environments"])
        except (ValueError, LookupError, TypeError):
            return None


def release_state(release: str) -> ReleaseState:
    """The state of a release, from MLflow and the platform. Raises SlipwayError where they cannot be asked."""
    from slipway_steps.adapters.mlflow.registry import MlflowRegistry
    from slipway_workflows.cli.environment_status import environment_statuses
    from slipway_workflows.cli.settings import current_settings

    registry = MlflowRegistry(current_settings())
    return ReleaseState(registry.reports(release), environment_statuses(registry))


if __name__ == "__main__":
    sys.stdout.write(release_state(sys.argv[1]).to_json())
