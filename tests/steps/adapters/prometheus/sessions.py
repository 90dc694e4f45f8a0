"""A session as it is pushed, and the text that is pushed of one."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from slipway_steps.adapters.prometheus.pushgateway import push
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import ApiRequest, Fingerprint, PerfSession, RunOutcome, RunSample
from slipway_steps.domain.verdict import Verdict


def session(*seconds: float, verdict: Verdict = Verdict.PASS) -> PerfSession:
    """A session whose runs took so many seconds; another one failed."""
    told: dict[str, Any] = {"cpu": "c", "cores": 2, "memory_bytes": 1, "kernel": "k", "python": "3.11"}
    machine = Fingerprint(**told, target="argo", target_version="Argo v4.1.2")
    runs = [
        RunSample(run=f"r{at}", started=at, outcome=RunOutcome.SUCCEEDED, metrics={"end-to-end": value, "cpu": 1.5})
        for at, value in enumerate(seconds or (1.0, 2.0, 3.0))
    ]
    runs.append(RunSample(run="x", started=9, outcome=RunOutcome.FAILED, metrics={"end-to-end": 900.0}))
    return PerfSession(
        name="perf-x7k2p",
        scenario=PerfScenario(mode="PIPELINE_RUN", pipeline_file_name="a/training.yaml"),
        scenario_digest="d",
        revision="r",
        fingerprint=machine,
        started=0,
        finished=1795255200.0,
        runs=runs,
        requests=[ApiRequest(operation="list", due=0, seconds=0.2, status=200)],
        measures={"throughput MiB/s": 25.0},
        verdict=verdict,
    )


def pushed(given: PerfSession) -> str:
    """What a gateway is sent of a session: after its path, the text of the metrics."""
    got: list[str] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(self.path)
            got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        push(f"http://127.0.0.1:{server.server_port}", given)
    assert got[0] == "/metrics/job/slipway-perf/scenario/training.yaml/target/argo"
    return got[1]
