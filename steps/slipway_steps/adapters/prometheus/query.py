"""Asks Prometheus for what the kubelets (cAdvisor) told of the pods of a run: bytes of network and storage."""

import math
import re

import requests

from slipway_steps.adapters.retry import reason_of
from slipway_steps.domain.errors import PlatformError

COUNTERS = {
    "network-received": "container_network_receive_bytes_total",
    "network-sent": "container_network_transmit_bytes_total",
    "storage-read": "container_fs_reads_bytes_total",
    "storage-written": "container_fs_writes_bytes_total",
}
"""Metric of a run -> counter of cAdvisor. A pod's counters begin at 0 with it, so the largest value is its sum."""
TIMEOUT = 15.0
"""Seconds for one answer of Prometheus."""
SCRAPE = 60.0
"""Seconds after the end of a run in which its last values may still be scraped; usual intervals are 15 to 60 s."""


class Prometheus:
    """The server at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def bytes_of(self, namespace: str, pods: str, start: float, end: float) -> dict[str, float]:
        """The metrics of `COUNTERS` that were scraped of all pods whose names begin with `pods`, between two times in
        Unix seconds. Empty where nothing was scraped. Raises PlatformError where Prometheus cannot be asked.
        """
        window = max(math.ceil(end - start + SCRAPE), 1)
        label = f'namespace="{namespace}",pod=~"{re.escape(pods).replace(chr(92), chr(92) * 2)}.*"'
        found = {}
        for metric, counter in COUNTERS.items():
            # cAdvisor tells storage of each container and of the whole pod, network of the pod alone
            only = label + (',container!=""' if counter.startswith("container_fs_") else "")
            value = self._value(f"sum(max_over_time({counter}{{{only}}}[{window}s]))", end + SCRAPE)
            if value is not None:
                found[metric] = value
        return found

    def _value(self, query: str, at: float) -> float | None:
        """The one value of a query, None where it has none."""
        try:
            answer = requests.get(f"{self.url}/api/v1/query", {"query": query, "time": f"{at:.3f}"}, timeout=TIMEOUT)
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise PlatformError(f"asking Prometheus at {self.url} failed: {reason_of(error)}") from error
        if told.get("status") != "success":
            raise PlatformError(f"Prometheus at {self.url} refuses a query: {told.get('error')}")
        result = told["data"]["result"]
        return float(result[0]["value"][1]) if result else None
