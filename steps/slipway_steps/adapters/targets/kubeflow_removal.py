"""Removes from Kubeflow Pipelines what a session made there: all that is in experiments of its name."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from slipway_steps.adapters.targets.kubeflow_api import KubeflowApi
from slipway_steps.adapters.targets.kubeflow_pipeline import ENDED
from slipway_steps.domain.errors import PlatformError, SlipwayError


class KubeflowRemoval:
    """One removal. `removed`: the names of what was removed; `left`: what could not be, and why."""

    def __init__(self, api: KubeflowApi, namespace: Mapping[str, str]) -> None:
        self.api = api
        self.namespace = namespace
        self.removed: list[str] = []
        self.left: dict[str, PlatformError] = {}

    def remove(self, session: str) -> list[str]:
        """Remove the experiments of a session with all that is in them, and return the names. What cannot be removed
        does not keep the rest; its experiment stays too, by which it is found again. Raises PlatformError that names
        all that is left.
        """
        listing = self.api.experiments.experiment_service_list_experiments
        for one in list(self.api.all("experiments", listing, **self.namespace)):
            if one.display_name == session or one.display_name.startswith(f"{session}-"):
                self._remove_experiment(one)
        if self.left:
            first = next(iter(self.left.values()))
            raise PlatformError(f"Kubeflow Pipelines still has {', '.join(self.left)}: {first.message}", first.hint)
        return self.removed

    def _remove_experiment(self, experiment: Any) -> None:
        home, name, before = experiment.experiment_id, f"experiment {experiment.display_name}", len(self.left)
        try:
            self._empty(home)
        except PlatformError as error:
            self.left[f"what is in {name}"] = error
        if len(self.left) == before:
            self._delete(name, self.api.experiments.experiment_service_delete_experiment, home)

    def _empty(self, home: str) -> None:
        """Remove all that is in an experiment. Raises PlatformError where that cannot be listed."""
        recurring, runs = self.api.recurring, self.api.runs
        schedules = recurring.recurring_run_service_list_recurring_runs
        # schedules first, so that nothing new comes
        for one in list(self.api.all("recurring_runs", schedules, experiment_id=home)):
            name = one.recurring_run_id
            self._delete(f"recurring run {name}", recurring.recurring_run_service_delete_recurring_run, name)
        for run in list(self.api.all("runs", runs.run_service_list_runs, experiment_id=home)):
            if run.state not in ENDED:
                with suppress(SlipwayError):  # it may have ended meanwhile; what counts is that it is deleted
                    self.api.send(f"ending {run.run_id}", runs.run_service_terminate_run, run.run_id)
            self._delete(f"run {run.run_id}", runs.run_service_delete_run, run.run_id)

    def _delete(self, what: str, call: Callable[..., Any], name: str) -> None:
        try:
            self.api.delete(what, call, name)
            self.removed.append(what)
        except PlatformError as error:
            self.left[what] = error
