"""Changes Argo CD's Applications by merge patches. This needs neither a password nor the argocd program.

Three things were seen on Argo CD v3.5.1. For half a second after a patch everything looks complete, while nothing has
happened yet. A second operation that is requested while one runs is lost without an error. The health is Healthy even
where the manifests cannot be generated. Therefore this module waits for its own operation, which it recognises by an
id, then for its success, and then until the Application is Synced with the wanted parameters.
"""

import time
import uuid
from typing import Any

from slipway_steps.adapters.argocd.application_state import UNCOMPARABLE, trouble
from slipway_steps.adapters.kubernetes.api import Api, Conflict
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

POLL = 0.2
"""Seconds between two reads: Argo CD takes one to three for a sync, and begins it within half a second of the patch."""
VANISHED = 10.0
"""Seconds after which an operation that the Application does not show counts as lost, and is requested again."""
INFO = "slipway-operation"
Parameters = dict[str, str]


class ArgoCD:
    """The Applications `<app>-<environment>`. `poll` and `vanished` are seconds: see POLL and VANISHED."""

    def __init__(self, api: Api, settings: Settings, poll: float = POLL, vanished: float = VANISHED) -> None:
        self.api = api
        self.poll = poll
        self.vanished = vanished
        self.settings = settings

    def _name(self, environment: Environment) -> str:
        return f"{self.settings.app}-{environment}"

    def _path(self, name: str) -> str:
        return path_of("argoproj.io/v1alpha1", "applications", self.settings.argocd_namespace, name)

    def read(self, environment: Environment) -> dict[str, Any]:
        """The Application of an environment. Raises PlatformError where it is missing."""
        name = self._name(environment)
        found: dict[str, Any] | None = self.api.get(self._path(name), what=f"reading Application {name}", absent=True)
        if found is None:
            raise PlatformError(
                f"there is no Application {name}", "create it: ansible-playbook ansible/argocd_apps.yml"
            )
        return found

    def parameters(self, environment: Environment) -> Parameters:
        """The Helm parameters in the spec of the Application."""
        return helm_parameters((self.read(environment).get("spec") or {}).get("source"))

    def set(self, environment: Environment, wanted: Parameters, gone: tuple[str, ...] = (), revision: str = "") -> None:
        """Set these Helm parameters on the Application, remove those named in `gone`, and wait until it is synced with
        them.

        Returns at once where it is synced already. `revision`: a commit to sync to; with it a sync is always requested.
        Raises PlatformError where the sync fails, the manifests cannot be generated, or the deadline passes.
        """
        own = f"{int(time.time())}-{uuid.uuid4().hex[:8]}"
        deadline = time.monotonic() + self.settings.operation_timeout
        while time.monotonic() < deadline:
            app = self.read(environment)
            if not revision and _settled(app, wanted, gone):
                return
            if _busy(app):
                time.sleep(self.poll)
                continue
            asked = self._request(environment, app, wanted, gone, own, revision)
            if asked and self._succeeded(environment, own, deadline):
                break
        self._synced(environment, wanted, gone, deadline)

    def _request(
        self,
        environment: Environment,
        app: dict[str, Any],
        wanted: Parameters,
        gone: tuple[str, ...],
        own: str,
        revision: str,
    ) -> bool:
        """Set the parameters and request a sync in one patch. Returns False where another client changed the
        Application first.
        """
        given = {key: {"name": key, "value": value, "forceString": True} for key, value in wanted.items()}
        merged = {one["name"]: one for one in _listed(app["spec"].get("source"))} | given
        listed = [one for name, one in merged.items() if name not in gone]
        metadata: dict[str, Any] = {"resourceVersion": app["metadata"]["resourceVersion"]}
        if revision:
            # Argo CD reads the branch every three minutes by itself; until then it would compare with the old commit
            metadata["annotations"] = {"argocd.argoproj.io/refresh": "normal"}
        body = {
            "metadata": metadata,
            "spec": {"source": {"helm": {"parameters": listed}}},
            "operation": {
                "initiatedBy": {"username": "slipway"},
                "info": [{"name": INFO, "value": own}],
                "sync": {"syncOptions": ["ServerSideApply=true"]} | ({"revision": revision} if revision else {}),
            },
        }
        name = self._name(environment)
        try:
            self.api.patch(self._path(name), body, what=f"changing Application {name}")
        except Conflict:
            return False
        return True

    def _succeeded(self, environment: Environment, own: str, deadline: float) -> bool:
        """Wait for the operation with the id `own`. Returns False where it was lost."""
        seen = time.monotonic()
        while time.monotonic() < deadline:
            app = self.read(environment)
            state = (app.get("status") or {}).get("operationState") or {}
            if _id(state.get("operation")) == own:
                seen = time.monotonic()
                phase = state.get("phase")
                if phase == "Succeeded":
                    return True
                if phase in ("Failed", "Error"):
                    name = self._name(environment)
                    raise PlatformError(f"the sync of {name} is {phase}: {state.get('message', '')}", "see Argo CD")
            elif _id(app.get("operation")) == own:
                seen = time.monotonic()
            elif time.monotonic() - seen > self.vanished:
                return False
            time.sleep(self.poll)
        return False

    def _synced(self, environment: Environment, wanted: Parameters, gone: tuple[str, ...], deadline: float) -> None:
        name = self._name(environment)
        while True:
            app = self.read(environment)
            if _settled(app, wanted, gone):
                return
            status = app.get("status") or {}
            for condition in status.get("conditions") or []:
                if condition.get("type") in UNCOMPARABLE:
                    raise PlatformError(
                        f"Argo CD cannot compare {name}: {condition.get('message', '')}",
                        "correct its repository or chart",
                    )
            if time.monotonic() > deadline:
                why = trouble(app, time.time()) or "it has other parameters now: somebody else changed it"
                raise PlatformError(
                    f"{name} was not synced in {self.settings.operation_timeout:.0f} s: {why}", "see Argo CD"
                )
            time.sleep(self.poll)


def helm_parameters(source: dict[str, Any] | None) -> Parameters:
    """The Helm parameters of an Application's source."""
    return {str(one["name"]): str(one.get("value", "")) for one in _listed(source)}


def _listed(source: dict[str, Any] | None) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = ((source or {}).get("helm") or {}).get("parameters") or []
    return listed


def _id(operation: dict[str, Any] | None) -> str:
    listed = (operation or {}).get("info") or []
    return next((str(one.get("value")) for one in listed if one.get("name") == INFO), "")


def _busy(app: dict[str, Any]) -> bool:
    state = (app.get("status") or {}).get("operationState") or {}
    return bool(app.get("operation")) or state.get("phase") == "Running"


def _has(found: Parameters, wanted: Parameters, gone: tuple[str, ...]) -> bool:
    return all(found.get(key) == value for key, value in wanted.items()) and not any(key in found for key in gone)


def _settled(app: dict[str, Any], wanted: Parameters, gone: tuple[str, ...]) -> bool:
    """Whether the Application has the wanted parameters, is synced with them, no operation is running and none of its
    resources is missing.
    """
    status = app.get("status") or {}
    sync = status.get("sync") or {}
    compared = helm_parameters((sync.get("comparedTo") or {}).get("source"))
    asked = helm_parameters((app.get("spec") or {}).get("source"))
    there = (status.get("health") or {}).get("status") != "Missing"
    synced = sync.get("status") == "Synced" and there and not _busy(app)
    return synced and _has(asked, wanted, gone) and _has(compared, wanted, gone)
