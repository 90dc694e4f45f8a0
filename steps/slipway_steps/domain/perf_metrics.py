"""The metrics of a pipeline's run, by name. A metric that a target cannot measure is absent from a sample, never 0."""

from typing import NamedTuple


class Metric(NamedTuple):
    """A number that is measured in each run.

    unit: of the number. `delta`: by which share it may grow before that is a regression; None: it is shown, and never
    judged unless a scenario says so. A smaller number is better in every metric.
    """

    title: str
    unit: str
    delta: float | None = None


END_TO_END, CPU = "end-to-end", "cpu"

METRICS = {
    END_TO_END: Metric("from the submission until the end of the run, by the client's clock", "s", 0.10),
    CPU: Metric("CPU time of all processes or containers of the run", "s", 0.05),
    "memory": Metric("largest memory of the run at one time", "bytes"),
    "queue": Metric("waiting: for a lock, a mutex, or the controller", "s"),
    "between-steps": Metric("time in which no step of the run runs, after the first one began", "s"),
    "create-to-schedule": Metric("from a pod's creation until a node was chosen for it, the largest of the run", "s"),
    "volumes-and-sandbox": Metric(
        "from a pod's scheduling until its volumes and its network are ready, the largest", "s"
    ),
    "image-pull": Metric("pulling images, as the kubelet reports it, the sum over the run's pods", "s"),
    "schedule-to-run": Metric("from a pod's scheduling until its main container started, the largest of the run", "s"),
    "container-start": Metric("from the start of a step's process until its first instruction, the mean", "s"),
    "storage-read": Metric("bytes read from storage", "bytes"),
    "storage-written": Metric("bytes written to storage", "bytes"),
    "network-received": Metric("bytes received over the network", "bytes"),
    "network-sent": Metric("bytes sent over the network", "bytes"),
}
"""The names of phases of pods are those of Kubernetes' clusterloader2 (create_to_schedule, schedule_to_run).

The limits of 10 % for wall time and 5 % for CPU time are those at which recorded runs of two shared cores gave at most
1 % false alarms and found twice the limit in at least 90 % of comparisons of up to 40 pairs.
"""
