"""Creates the target that a scenario names."""

from importlib import import_module

from slipway_steps.domain.errors import BadInput
from slipway_steps.perf_ports import Target
from slipway_steps.settings import Settings

PLACES = {
    "local": ("local_engine", "LocalEngineTarget"),
    "argo": ("argo", "ArgoTarget"),
    "kfp": ("kubeflow", "KubeflowTarget"),
}
"""Target -> the module of this package and its class; only that of the target that is used is imported."""


def make_target(name: str, settings: Settings) -> Target:
    """A new target of that name, for one session. Raises BadInput for another name."""
    if name not in PLACES:
        raise BadInput(f"there is no target {name!r}", f"targets: {', '.join(PLACES)}")
    module, class_name = PLACES[name]
    target: Target = getattr(import_module(f"{__package__}.{module}"), class_name)(settings)
    return target
