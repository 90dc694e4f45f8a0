"""LARGE_DATASET: an artifact of `datasetMiB` goes through the steps of the pipeline."""

from collections.abc import Mapping
from statistics import median

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_session import RunSample
from slipway_steps.perf.runner import Runner

PARAMETER = "dataset-mib"
"""The pipeline's parameter that gets the size. Its last step has to fail where the checksum is not that of its first:
only runs that succeed are timed."""
RATE = "MiB/s"


class LargeDataset(Runner):
    """Tells the MiB of the artifact by the seconds of a run."""

    async def setup(self) -> None:
        """Raises BadInput where the pipeline has no parameter for the size."""
        pipeline = self.context.pipeline
        if pipeline is None or PARAMETER not in pipeline.read_text():
            raise BadInput(f"the pipeline has no parameter {PARAMETER}", "see workflows/perf/argo/data.yaml")

    def parameters(self) -> Mapping[str, str]:
        """The size, as the pipeline takes it."""
        return {PARAMETER: str(self.context.scenario.dataset_mi_b)}

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
