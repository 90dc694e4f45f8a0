"""Creates the adapters that the settings of this process ask for."""

from functools import cached_property
from typing import TYPE_CHECKING

from slipway_steps.perf_ports import Measurements
from slipway_steps.ports import Apps, LoadGenerator, Notifier, Platform, Registry, Traffic
from slipway_steps.settings import Settings, read_settings

if TYPE_CHECKING:
    from slipway_steps.adapters.oci.layout import OciLayout
    from slipway_steps.adapters.oci.runnable_registry import RunnableRegistry


class LazyWorld:
    """Implements ports.World from the settings. Each member is imported and created when it is first used, and nothing
    outside of this process is opened before one of its methods is called.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def registry(self) -> Registry:
        """MLflow: models, aliases, the journal and the evidence."""
        from slipway_steps.adapters.mlflow.registry import MlflowRegistry

        return MlflowRegistry(self.settings)

    @cached_property
    def images(self) -> "OciLayout | RunnableRegistry":
        """The OCI registry that the settings name, else a directory of this machine."""
        if self.settings.registry:
            from slipway_steps.adapters.oci.runnable_registry import RunnableRegistry

            return RunnableRegistry(self.settings)
        from slipway_steps.adapters.oci.layout import OciLayout

        return OciLayout(self.settings.home / "images", self.settings.app_directory)

    @cached_property
    def platform(self) -> Platform:
        """Argo CD on Kubernetes, or processes of this machine, which run images of the same store that builds write
        to.
        """
        if self.settings.platform == "kubernetes":
            from slipway_steps.adapters.argocd.platform import KubernetesPlatform

            return KubernetesPlatform(self.settings)
        from slipway_steps.adapters.local.platform import LocalPlatform

        return LocalPlatform(self.settings, self.images)

    @cached_property
    def traffic(self) -> Traffic:
        """Envoy on this machine, or the route of a cluster."""
        if self.settings.platform == "kubernetes":
            from slipway_steps.adapters.argocd.traffic import ClusterTraffic

            return ClusterTraffic()
        from slipway_steps.adapters.envoy.traffic import EnvoyTraffic

        return EnvoyTraffic(self.settings)

    @cached_property
    def apps(self) -> Apps:
        """The served applications over HTTP."""
        from slipway_steps.adapters.http.app_client import HttpApps

        return HttpApps()

    @cached_property
    def load_generator(self) -> LoadGenerator:
        """Locust, which sends the requests of the load test."""
        from slipway_steps.adapters.http.load_generator import LocustLoadGenerator

        return LocustLoadGenerator()

    @cached_property
    def measurements(self) -> Measurements:
        """MLflow: the sessions and baselines of performance tests."""
        from slipway_steps.adapters.mlflow.measurements import MlflowMeasurements

        return MlflowMeasurements(self.settings)

    @cached_property
    def notifier(self) -> Notifier:
        """Sends messages to the webhook that the settings name."""
        from slipway_steps.adapters.http.notifier import WebhookNotifier

        return WebhookNotifier(self.settings)


def make_world(settings: Settings | None = None) -> LazyWorld:
    """The world that the given settings describe; None: those of the environment."""
    return LazyWorld(settings or read_settings())
