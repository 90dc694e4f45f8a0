"""Experiments of performance tests in MLflow: one is created for a session, and deleted with it."""

from slipway_steps.adapters.mlflow.connection import MlflowConnection, translated
from slipway_steps.settings import Settings


class MlflowExperiment:
    """The experiment that `experiment` of the settings names."""

    def __init__(self, settings: Settings) -> None:
        self.connection = MlflowConnection(settings)

    @translated
    def create(self) -> None:
        """Create it, if it does not exist. Raises RegistryError."""
        _ = self.connection.experiment

    @translated
    def delete(self) -> bool:
        """Delete it; returns whether there was one. Raises RegistryError."""
        known = self.connection.known_experiment()
        if known is not None:
            self.connection.client.delete_experiment(known)
        return known is not None
