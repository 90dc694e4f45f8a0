"""Reads what an app has answered since it started, from its /metrics."""

from typing import TYPE_CHECKING

import requests

from slipway_steps.domain.errors import AppError
from slipway_steps.domain.traffic import Counts

if TYPE_CHECKING:
    from prometheus_client import Metric

TIMEOUT = 5.0
"""Seconds to connect, and for each read: the app answers this within milliseconds, unless its one core is busy."""
PATH = "/predict"
"""The path of the requests that count: probes and pages say nothing about a model."""


def get_text(url: str, timeout: float = TIMEOUT) -> str:
    """The answer to GET, as text. Raises AppError where there is none, or one that is an error."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # there is no proxy between a step and a pod
            answer = session.get(url, timeout=timeout, allow_redirects=False)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise AppError(f"reading {url} failed: {error}", "look at the log of the app") from error
    return answer.text


def read_counts(address: str) -> Counts:
    """The counts of the app at a base URL. Raises AppError where it does not tell them."""
    from prometheus_client.parser import text_string_to_metric_families

    text = get_text(f"{address}/metrics")
    try:
        return _counts(list(text_string_to_metric_families(text)))
    except (ValueError, KeyError) as error:
        raise AppError(f"the metrics of {address} cannot be read: {error}", "is it the app of this project?") from error


def _counts(families: "list[Metric]") -> Counts:
    samples = [sample for family in families for sample in family.samples]
    mine = [sample for sample in samples if sample.labels.get("path", PATH) == PATH]
    answers = [sample for sample in mine if sample.name == "http_requests_total"]
    return Counts(
        requests=sum(int(sample.value) for sample in answers),
        errors=sum(int(sample.value) for sample in answers if sample.labels["status"].startswith("5")),
        latencies={
            float(sample.labels["le"]): int(sample.value)
            for sample in mine
            if sample.name == "http_request_duration_seconds_bucket" and sample.labels["le"] != "+Inf"
        },
        labels={sample.labels["label"]: int(sample.value) for sample in mine if sample.name == "predictions_total"},
        started=tuple(sample.value for sample in samples if sample.name == "process_start_time_seconds"),
    )
