"""Puts the adapters together for this process."""

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.ports import Images, Platform, World
from slipway_steps.settings import Settings


def make_world(settings: Settings | None = None) -> World:
    """The world of one machine. Nothing is opened before it is used."""
    settings = settings or Settings()
    layout = OciLayout(settings.home / "images", settings.app_directory)
    images: Images = layout
    if settings.registry:
        from slipway_steps.adapters.oci.registry import OciRegistry

        images = OciRegistry(settings)
    platform: Platform = LocalPlatform(settings, layout)
    if settings.platform == "kubernetes":
        from slipway_steps.adapters.argocd.platform import KubernetesPlatform

        platform = KubernetesPlatform(settings)
    return World(settings, MlflowRegistry(settings), images, platform)
