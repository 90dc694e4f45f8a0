"""Experiments of performance tests in MLflow: one is created for a session, and deleted with it."""

from slipway_steps.adapters.mlflow.connection import MlflowConnection, translated
from slipway_steps.settings import Settings


class MlflowExperiments:
    """Creates and deletes experiments by their names. Each method raises RegistryError where MLflow refuses."""

    def __init__(self, settings: Settings) -> None:
        self.connection = MlflowConnection(settings)

    @translated
    def connect(self) -> None:
        """Open the connection, which takes seconds for a new database, so that the time of `create` is its own."""
        self.connection.client.get_experiment_by_name("Default")

    @translated
    def create(self, name: str) -> None:
        """Create an experiment."""
        settings = self.connection.settings
        # the default would be ./mlruns of whatever directory this process runs in
        local = None if settings.tracking_uri else (settings.home.resolve() / "mlflow" / "artifacts").as_uri()
        self.connection.client.create_experiment(name, artifact_location=local)

    @translated
    def delete(self, name: str) -> bool:
        """Delete an experiment; returns whether there was one. MLflow still finds one by its name that is deleted."""
        found = self.connection.client.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage != "active":
            return False
        self.connection.client.delete_experiment(str(found.experiment_id))
        return True
