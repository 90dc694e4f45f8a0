"""Addresses of pages that show more about a release."""

from urllib.parse import quote, urlencode

from slipway_steps.settings import Settings


def workflow_link(settings: Settings, name: str) -> str:
    """The address of a workflow in the Argo UI; "" where the UI's address is not set."""
    base = settings.argo_url.rstrip("/")
    return f"{base}/workflows/{settings.workflows_namespace}/{name}" if base else ""


def promotion_link(settings: Settings, version: str) -> str:
    """The address of the form that promotes `version` to production ("": what canary serves by then); "" where the
    UI's address is not set.
    """
    base = settings.argo_url.rstrip("/")
    if not base:
        return ""
    form = f"{base}/workflow-templates/{settings.workflows_namespace}/promote-to-production?sidePanel=submit"
    return f"{form}&{urlencode({'parameters[model-version]': version})}" if version else form


def model_link(settings: Settings, version: str) -> str:
    """The address of a model version in MLflow's UI; "" where MLflow is no server."""
    base = settings.mlflow_uri.rstrip("/")
    return f"{base}/#/models/{quote(settings.model)}/versions/{version}" if base.startswith("http") else ""
