"""CronWorkflows with `@every`: fired as Argo's controller does it, which names a workflow by when it was due, until the
expression of their stopStrategy holds.
"""

import re
import time
from datetime import UTC, datetime

from simulated_cluster.objects import Object, Objects
from simulated_cluster.times import timestamp

from slipway_workflows.engine.language import exprlang

EVERY = re.compile(r"@every (\d+)s")


def fire(objects: Objects) -> None:
    """Make the workflows that are due."""
    for cron in objects.all_of("CronWorkflow"):
        found = EVERY.fullmatch(cron["spec"]["schedules"][0])
        if not found:
            continue
        metadata, now = cron["metadata"], int(time.time())
        last = cron.get("status", {}).get("last") or datetime.fromisoformat(metadata["creationTimestamp"]).timestamp()
        due = int(last) + int(found[1])
        if now < due or stopped(objects, cron):
            continue
        name, namespace = metadata["name"], metadata["namespace"]
        objects.change(
            "CronWorkflow", name, namespace, lambda one, due=due: one.setdefault("status", {}).update(last=due)
        )
        given = cron["spec"].get("workflowMetadata") or {}
        own = {
            "name": f"{name}-{due}",
            "namespace": namespace,
            "creationTimestamp": timestamp(),
            "labels": {**given.get("labels", {}), "workflows.argoproj.io/cron-workflow": name},
            "annotations": {
                **given.get("annotations", {}),
                "workflows.argoproj.io/scheduled-time": f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}",
            },
            "ownerReferences": [{"kind": "CronWorkflow", "name": name, "uid": metadata["uid"]}],
        }
        spec = cron["spec"]["workflowSpec"]
        objects.create({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": own, "spec": spec})


def stopped(objects: Objects, cron: Object) -> bool:
    """Whether the stopStrategy of a CronWorkflow has ended it."""
    expression = (cron["spec"].get("stopStrategy") or {}).get("expression")
    own = [
        (one.get("status") or {}).get("phase")
        for one in objects.all_of("Workflow")
        if (one["metadata"].get("labels") or {}).get("workflows.argoproj.io/cron-workflow") == cron["metadata"]["name"]
    ]
    counted = {"succeeded": own.count("Succeeded"), "failed": own.count("Failed") + own.count("Error")}
    return bool(expression) and bool(exprlang.evaluate(str(expression), {"cronworkflow": counted}))
