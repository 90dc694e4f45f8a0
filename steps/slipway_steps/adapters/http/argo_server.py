"""Argo's own server, which hands out the artifacts of workflows: archived logs among them."""

from collections.abc import Callable
from urllib.parse import quote

import requests

from slipway_steps.adapters.retry import AGAIN, Again, RetryPolicy
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

TIMEOUT = 30.0
"""Seconds without a byte of the answer."""
FEW = RetryPolicy(attempts=3)
"""Fewer attempts than usual: a person waits, and Argo's server answers with 500 also where a retry cannot help."""
NO_ADDRESS = (
    "set SLIPWAY_ARGO_URL to the address of Argo's UI; without one: kubectl -n argo port-forward service/argo-server "
    "2746, with SLIPWAY_ARGO_URL=https://localhost:2746 and ARGO_INSECURE_SKIP_VERIFY=true"
)
NO_TOKEN = "set ARGO_TOKEN, as Argo's own program needs it (the UI shows it under User)"  # noqa: S105 - a hint
NO_STORE = (
    "the server's own log says more; with the token of a person it reads the store's keys as that person, who then "
    "needs the verb get on the Secret that the ConfigMap artifact-repositories names (slipway-logs)"
)


class ArgoServer:
    """The server at SLIPWAY_ARGO_URL.

    token: gives the value of the header Authorization, which is asked for where ARGO_TOKEN is not set; "" for none.
    """

    def __init__(self, settings: Settings, token: Callable[[], str], retry: RetryPolicy = FEW) -> None:
        self.settings = settings
        self.token = token
        self.retry = retry

    def artifact(self, workflow: str, node: str, name: str) -> str:
        """The text of an output artifact of a node, by the node's id. Raises PlatformError where it cannot be read."""
        base = self.settings.argo_url.rstrip("/")
        what = f"reading {name} of {node}"
        if not base:
            raise PlatformError(f"{what} failed: the address of Argo's server is not set", NO_ADDRESS)
        path = "/".join(
            quote(part, safe="") for part in (self.settings.workflows_namespace, "workflows", workflow, node)
        )
        url = f"{base}/artifact-files/{path}/outputs/{quote(name, safe='')}"
        try:
            return self.retry.call(lambda: self._read(url, what))
        except Again as error:
            hint = NO_STORE if str(error).startswith("status") else NO_ADDRESS
            raise PlatformError(f"{what} at {base} failed: {error}", hint) from error

    def _read(self, url: str, what: str) -> str:
        given = self.settings.argo_token.get_secret_value()
        token = (given if given.startswith("Bearer ") else f"Bearer {given}") if given else self.token()
        try:
            answer = requests.get(
                url,
                headers={"Authorization": token} if token else {},
                timeout=TIMEOUT,
                verify=not self.settings.argo_insecure_skip_verify,
            )
        except requests.exceptions.SSLError as error:
            hint = "name its CA by REQUESTS_CA_BUNDLE, or set ARGO_INSECURE_SKIP_VERIFY=true"
            raise PlatformError(f"{what} failed: {url} has a certificate that is not trusted", hint) from error
        except requests.RequestException as error:
            raise Again(type(error).__name__) from error
        if answer.status_code in (401, 403):
            raise PlatformError(f"{what} failed: Argo's server does not accept the token", NO_TOKEN)
        if answer.status_code in AGAIN:
            raise Again(f"status {answer.status_code}")
        if answer.status_code != 200:
            raise PlatformError(f"{what} at {url} failed: status {answer.status_code}", NO_STORE)
        return answer.content.decode(errors="replace")
