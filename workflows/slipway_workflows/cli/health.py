"""`slipway health-check`: whether what releases need can be used now."""

import json

import click

from slipway_workflows.cli.exit_codes import UNDECIDED
from slipway_workflows.cli.settings import current_settings


@click.command("health-check")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="A degraded component is red too.")
@click.option("--serve", is_flag=True, help="Go on, and answer over HTTP: /health, /metrics, /livez, /readyz.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of --serve.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port of --serve.")
def health_check(output: str, strict: bool, serve: bool, host: str, port: int) -> int:
    """Check Python, MLflow, the stores, the environments and this machine, all at the same time.

    What is checked is really used: a file is written, read and deleted, images are read and their digests computed
    again. Exit codes: 0 healthy or degraded, 1 unhealthy; with --strict degraded is 1 too.
    """
    from slipway_steps.domain.health import HealthState
    from slipway_steps.health.check import HealthCheck, probes_of
    from slipway_steps.health.lines import lines_of
    from slipway_steps.health.serve import HealthServer, as_json, make_http_server

    check = HealthCheck(probes_of(current_settings()))
    if serve:
        server = make_http_server(HealthServer(check.run), host, port)
        click.echo(f"health: http://{host}:{server.server_port}/health")
        server.serve_forever()
    report = check.run()
    click.echo(json.dumps(as_json(report), indent=2) if output == "json" else "\n".join(lines_of(report)))
    red = (HealthState.UNHEALTHY, HealthState.DEGRADED) if strict else (HealthState.UNHEALTHY,)
    return UNDECIDED if report.overall in red else 0
