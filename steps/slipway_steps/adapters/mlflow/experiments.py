"""Experiments of performance tests in MLflow: one is created for a session, and deleted with it."""

from slipway_steps.adapters.mlflow.connection import MlflowConnection, translated
from slipway_steps.domain.perf_until import UNTIL, read_end
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
    def create(self, name: str, until: str = "") -> None:
        """Create an experiment of a session. until: the time until which that may run, which `sessions` tells; "" for
        one of which this machine alone knows.
        """
        settings = self.connection.settings
        # the default would be ./mlruns of whatever directory this process runs in
        local = None if settings.tracking_uri else (settings.home.resolve() / "mlflow" / "artifacts").as_uri()
        tags = {UNTIL: until} if until else None
        self.connection.client.create_experiment(name, artifact_location=local, tags=tags)

    @translated
    def sessions(self) -> dict[str, float]:
        """The experiments of sessions that are there, each with the time until which it may run (Unix seconds)."""
        found = self.connection.client.search_experiments(filter_string="name LIKE 'perf-%'")
        owner = self.connection.settings.perf_owner
        return {one.name: read_end(one.tags[UNTIL], owner) for one in found if UNTIL in one.tags}

    @translated
    def delete(self, name: str) -> bool:
        """Delete an experiment; returns whether there was one. MLflow still finds one by its name that is deleted."""
        found = self.connection.client.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage != "active":
            return False
        self.connection.client.delete_experiment(str(found.experiment_id))
        return True
