"""CronWorkflows with `@every`: fired as Argo's controller does it, which names a workflow by when it was due."""

import re
import time
from datetime import UTC, datetime

from simulated_cluster.objects import Objects
from simulated_cluster.times import timestamp

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
        if now < due:
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
