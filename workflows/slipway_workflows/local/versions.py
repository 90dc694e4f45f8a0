"""Which model version an environment of this machine serves."""

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.settings import Settings


def version_in(settings: Settings, environment: Environment) -> str | None:
    """The version that `environment` serves now, by the journal; None where it serves nothing.

    After a release that died this is the version that the release wanted to deploy. Raises Refused where nothing was
    ever released on this machine, and while a running release owns the environment.
    """
    if not settings.tracking_uri and not (settings.home / "mlflow" / "mlflow.db").exists():
        raise Refused(f"{environment} serves nothing", "release a model first: slipway run release-model")
    from slipway_steps.adapters.mlflow.registry import MlflowRegistry

    record = MlflowRegistry(settings).record(environment)
    owner = record.open
    platform = LocalPlatform(settings, OciLayout(settings.home / "images", settings.app_directory))
    if owner and platform.release_alive(owner.release):
        raise Refused(
            f"{environment} belongs to release {owner.release}, which is still running", "wait until it has ended"
        )
    candidate = owner.target if owner and owner.target else record.current
    return candidate.version if candidate else None
