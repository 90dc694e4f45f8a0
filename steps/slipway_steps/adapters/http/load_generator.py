"""Runs the load test in a process of its own and reads the result of each request."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway_steps.domain.answer import RequestResult
from slipway_steps.domain.errors import Broken

CHILD = Path(__file__).with_name("locust_child.py")
SPARE = 15.0
"""Seconds that the process gets to start and to end, in addition to the deadline of the test."""


class LocustLoadGenerator:
    """Implements ports.LoadGenerator with Locust."""

    def send(self, url: str, image: bytes, requests: int, users: int, seconds: float) -> list[RequestResult]:
        """Send `requests` predictions, `users` at a time, for at most `seconds`. Raises Broken where Locust failed
        without a result.
        """
        with TemporaryDirectory() as directory:
            path = Path(directory) / "image.png"
            path.write_bytes(image)
            command = [sys.executable, str(CHILD), url, str(path), str(requests), str(users), str(seconds)]
            child = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
            )
            try:
                out, err = child.communicate(timeout=seconds + SPARE)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                out, err = child.communicate()
        results = [_result(line) for line in out.splitlines() if line.startswith("{")]
        if child.returncode and not results:
            last = (err.strip().splitlines() or ["it said nothing"])[-1]
            what = f"the load generator ended with exit code {child.returncode}: {last}"
            raise Broken(what, "run the load test again")
        return results


def _result(line: str) -> RequestResult:
    found = json.loads(line)
    try:
        body = json.loads(found["body"])
    except ValueError:
        body = None
    return RequestResult(float(found["milliseconds"]), int(found["status"]), body if isinstance(body, dict) else None)
