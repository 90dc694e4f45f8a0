"""Addresses of pages that show more about a release. All links of messages, of workflows and of logs are made here.

The address of each UI is a setting; where it is empty there is no link to it, and the functions return "".
"""

from urllib.parse import quote, urlencode

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.run_address import RunAddress
from slipway_steps.ports import World
from slipway_steps.settings import Settings

REPORT = "report/report.html"
"""The HTML report in the release's run."""


def workflow_link(settings: Settings, name: str) -> str:
    """The page of a workflow in the Argo UI."""
    base = settings.argo_url.rstrip("/")
    return f"{base}/workflows/{settings.workflows_namespace}/{name}" if base else ""


def promotion_link(settings: Settings, version: str) -> str:
    """The form of the Argo UI that promotes `version` to production ("": what canary serves by then)."""
    base = settings.argo_url.rstrip("/")
    if not base:
        return ""
    form = f"{base}/workflow-templates/{settings.workflows_namespace}/promote-to-production?sidePanel=submit"
    return f"{form}&{urlencode({'parameters[model-version]': version})}" if version else form


def application_link(settings: Settings, environment: Environment) -> str:
    """The page of an environment's Application in the Argo CD UI."""
    base = settings.argocd_url.rstrip("/")
    return f"{base}/applications/{settings.argocd_namespace}/{settings.app}-{environment}" if base else ""


def model_link(settings: Settings, version: str) -> str:
    """The page of a model version in the MLflow UI."""
    base = settings.mlflow_url.rstrip("/")
    return f"{base}/#/models/{quote(settings.model)}/versions/{version}" if base else ""


def run_link(settings: Settings, address: RunAddress) -> str:
    """The page of a run in the MLflow UI."""
    base = settings.mlflow_url.rstrip("/")
    return f"{base}/#/experiments/{address.experiment}/runs/{address.run}" if base else ""


def report_link(settings: Settings, address: RunAddress) -> str:
    """The page that shows the report in the MLflow UI. Where the UI's address is not set, the URI of the report, which
    `mlflow artifacts download --artifact-uri` takes.
    """
    page = run_link(settings, address)
    return f"{page}/artifacts/{REPORT}" if page else f"runs:/{address.run}/{REPORT}"


def release_links(world: World, release: str) -> list[str]:
    """Every link of a release as a line `what: address`."""
    settings = world.settings
    address = world.registry.run_address(release) if settings.mlflow_url else None
    # one machine has no stored workflow: its report is a file
    reported = address and world.platform.stored_workflow(release) is not None
    # whoever submits the form later means this version, not what canary serves by then
    there = world.registry.record(Environment.CANARY).current if settings.argo_url else None
    found = {
        "workflow": workflow_link(settings, release),
        "report": report_link(settings, address) if address and reported else "",
        "MLflow": run_link(settings, address) if address else "",
        **{f"Argo CD, {environment}": application_link(settings, environment) for environment in Environment},
        "promote to production": promotion_link(settings, there.version if there else ""),
    }
    return [f"{what}: {link}" for what, link in found.items() if link]
