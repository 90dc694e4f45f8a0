"""Argo CD of the simulated cluster: takes up operations of Applications, renders their chart, and applies it.

What it shows meanwhile is what Argo CD v3.5.1 was seen to show: for a moment after a patch all looks done, then the
operation is Running, the comparison follows, and the sync ends.
"""

import copy
import threading
import time
from collections.abc import Callable
from typing import Any

import yaml
from rendered_charts import CHARTS, deep, rendered
from simulated_cluster.objects import Object, Objects

NAMESPACE = "argocd"
PAUSE = 0.1
"""Seconds of one phase of a sync."""


def helm_values(parameters: list[Object]) -> Object:
    """Values of Helm parameters such as `image.tag` and `networkPolicy.namespaces[0]`, which replaces the first one."""
    values: Object = {}
    for one in parameters:
        *above, last = str(one["name"]).split(".")
        place = values
        for key in above:
            place = place.setdefault(key, {})
        name, listed, _ = last.partition("[")
        place[name] = [one["value"]] if listed else one["value"]
    return values


def rendered_application(app: Object) -> list[Object]:
    """The objects of an Application, with the values files and parameters of its source."""
    helm = app["spec"]["source"].get("helm") or {}
    values: Object = {}
    for name in helm.get("valueFiles") or []:
        path = CHARTS / "model-app" / name
        if path.exists():
            values = deep(values, yaml.safe_load(path.read_text()))
    values = deep(values, helm_values(helm.get("parameters") or []))
    return rendered("model-app", values, app["spec"]["destination"]["namespace"])


class ArgoCD:
    """`apply`: is given the namespace of an Application and its rendered objects. `healthy`: of a namespace."""

    def __init__(
        self, objects: Objects, apply: Callable[[str, list[Object]], None], healthy: Callable[[str], str]
    ) -> None:
        self.objects = objects
        self.apply = apply
        self.healthy = healthy
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(PAUSE):
            for app in self.objects.all_of("Application"):
                if app.get("operation"):
                    self._sync(app["metadata"]["name"], app["operation"])
                else:
                    self._look(app)

    def _edit(self, name: str, edit: Callable[[Object], Any]) -> None:
        self.objects.change("Application", name, NAMESPACE, edit)

    def _sync(self, name: str, operation: Object) -> None:
        def taken_up(app: Object) -> None:
            app["status"]["operationState"] = {"phase": "Running", "operation": operation}
            compared = {"source": copy.deepcopy(app["spec"]["source"])}
            app["status"]["sync"] = {"status": "OutOfSync", "comparedTo": compared}

        def applied(app: Object) -> None:
            app.pop("operation", None)
            app["status"]["operationState"] = {"phase": "Succeeded", "operation": operation}

        def synced(app: Object) -> None:
            app["status"]["sync"]["status"] = "Synced"

        self._edit(name, taken_up)
        app = self.objects.find("Application", name, NAMESPACE)
        assert app is not None
        self.apply(app["spec"]["destination"]["namespace"], rendered_application(app))
        for step in (applied, synced):
            time.sleep(PAUSE)
            self._edit(name, step)

    def _look(self, app: Object) -> None:
        health = self.healthy(app["spec"]["destination"]["namespace"])
        if app["status"]["health"]["status"] != health:
            self._edit(app["metadata"]["name"], lambda now: now["status"].update(health={"status": health}))
