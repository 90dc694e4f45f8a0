"""Puts the adapters together for this process."""

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.mlflow.registry import MlflowRegistry
from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.adapters.oci.runnable_registry import RunnableRegistry
from slipway_steps.ports import Platform, World
from slipway_steps.settings import Settings


def make_world(settings: Settings | None = None) -> World:
    """The world that the settings name. Nothing is opened before it is used. Environments of this machine deploy from
    the image store that is built to.
    """
    settings = settings or Settings()
    images: OciLayout | RunnableRegistry = OciLayout(settings.home / "images", settings.app_directory)
    if settings.registry:
        images = RunnableRegistry(settings)
    platform: Platform = LocalPlatform(settings, images)
    if settings.platform == "kubernetes":
        from slipway_steps.adapters.argocd.platform import KubernetesPlatform

        platform = KubernetesPlatform(settings)
    return World(settings, MlflowRegistry(settings), images, platform)
