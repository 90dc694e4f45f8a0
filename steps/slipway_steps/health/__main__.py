"""`python -m slipway_steps.health`: serves the health of an installation, in the image of the steps."""

import argparse
import signal
import sys

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.health.check import HealthCheck, probes_of
from slipway_steps.health.serve import HealthServer, make_http_server
from slipway_steps.settings import read_settings


def main() -> int:
    """Serve until SIGTERM ends the process; returns 1 where that cannot begin."""
    # the first process of a container has no default answer to SIGTERM: it would be killed 30 s later
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parser = argparse.ArgumentParser(prog="slipway_steps.health")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - the address of the pod; a NetworkPolicy guards it
    parser.add_argument("--port", type=int, default=8080)
    given = parser.parse_args()
    try:
        server = make_http_server(HealthServer(HealthCheck(probes_of(read_settings())).run), given.host, given.port)
    except SlipwayError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"health: http://{given.host}:{server.server_port}/health", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
