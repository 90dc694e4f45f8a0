"""The phases of a step, as its pod tells them."""

from slipway_steps.adapters.targets.pod_times import PodTimes

Piece = tuple[str, float | None, float | None, str]
"""A phase that may not be known: its name, begin and end in Unix seconds, and its step."""


def phases_of_step(component: str, started: float, finished: float, pod: PodTimes | None) -> list[Piece]:
    """The phases of a step from its start until its end; without times of its pod, it ran all the time.

    started, finished: of the step, by the workflow or the API of runs.
    """
    if pod is None or pod.started is None:
        return [("run", started, finished, component)]
    ready = pod.ready_to_start or pod.scheduled
    pulled = sum(pull.seconds + pull.waited for pull in pod.pulls.values())
    # images are pulled one after another, between Argo's own containers: drawn as one piece before the start
    pulling = max(pod.started - pulled, ready or pod.started)
    return [
        ("queue", started, pod.created, component),
        ("create-to-schedule", pod.created, pod.scheduled, component),
        ("volumes-and-sandbox", pod.scheduled, pod.ready_to_start, component),
        ("schedule-to-run", ready, pulling, component),
        ("image-pull", pulling, pod.started, component),
        ("run", pod.started, pod.finished or finished, component),
        ("save-outputs", pod.finished, finished, component),
    ]
