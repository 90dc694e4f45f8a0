"""Where an Application takes the version from that it deploys: from its own parameters, or from Git."""

from typing import Any

from slipway_steps.adapters.kubernetes.rollout import candidate_of
from slipway_steps.domain.errors import Refused


def check_parameters_are_the_source(
    app: dict[str, Any], told: dict[str, str], deployment: dict[str, Any] | None
) -> None:
    """Raises Refused where the version that stands did not come from the Application's parameters (`told`).

    Parameters override what Git says, so setting them would stop every later commit from having an effect. An
    Application that is Synced, names no version, and has a Deployment with one, has it from Git.
    """
    synced = ((app.get("status") or {}).get("sync") or {}).get("status") == "Synced"
    named = "image.digest" in told or told.get("replicas") == "0"
    if synced and not named and candidate_of(deployment) is not None:
        name = app["metadata"]["name"]
        raise Refused(
            f"Application {name} takes its version from Git, and parameters would override that for good",
            "name the repository: SLIPWAY_DEPLOY_REPOSITORY; or run it on the cluster, by --cluster",
        )
