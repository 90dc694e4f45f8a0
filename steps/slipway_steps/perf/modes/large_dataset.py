"""LARGE_DATASET: an artifact of `datasetMiB` goes through the steps of the pipeline."""

from collections.abc import Mapping
from functools import cached_property
from statistics import median

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_session import RunSample
from slipway_steps.perf.runner import Runner

PARAMETERS = ("dataset-mib", "dataset_mib")
"""The pipeline's parameter that gets the size; those of Kubeflow Pipelines are names of Python. Its last step has to
fail where the checksum is not that of its first: only runs that succeed are timed."""
RATE = "MiB/s"


class LargeDataset(Runner):
    """Tells the MiB of the artifact by the seconds of a run."""

    async def setup(self) -> None:
        """Raises BadInput where the pipeline has no parameter for the size."""
        if not self.parameters():
            raise BadInput(f"the pipeline has no parameter {PARAMETERS[0]}", "see workflows/perf/argo/data.yaml")

    def parameters(self) -> Mapping[str, str]:
        """The size, as the pipeline takes it."""
        return {self._parameter: str(self.context.scenario.dataset_mi_b)} if self._parameter else {}

    @cached_property
    def _parameter(self) -> str:
        """The name of the parameter; "" where the pipeline has none."""
        pipeline = self.context.pipeline
        text = pipeline.read_text() if pipeline else ""
        return next((name for name in PARAMETERS if name in text), "")

    def measured(self, sample: RunSample) -> RunSample:
        """The sample with the MiB/s of the run."""
        seconds = sample.metrics.get(END_TO_END)
        if not seconds:
            return sample
        rate = self.context.scenario.dataset_mi_b / seconds
        return sample.model_copy(update={"measures": {**sample.measures, RATE: rate}})

    async def collect(self) -> None:
        """The median of the runs."""
        rates = [run.measures[RATE] for run in self.context.runs if not run.warm_up and RATE in run.measures]
        if rates:
            self.context.measures[f"throughput {RATE}"] = median(rates)
