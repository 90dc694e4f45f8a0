"""The Git repository that Argo CD deploys from, served by a pod in the suite's namespace: no other Git is needed."""

from pathlib import Path

from e2e.cluster.installation import NAMESPACE, Installation, Object

from slipway_steps.settings import PROJECT_ROOT

CHART = Path("charts") / "model-app"
PORT = 8000
URL = f"http://git.{NAMESPACE}.svc.cluster.local:{PORT}/slipway.git"
PROGRAM = Path(__file__).parent / "programs" / "git_server.py"
NAMED = {"name": "git", "namespace": NAMESPACE}
LABELS = {"app.kubernetes.io/name": "git"}


def files() -> dict[str, str]:
    """Key of the ConfigMap -> text: the chart of the environments."""
    paths = [path for path in sorted((PROJECT_ROOT / CHART).rglob("*")) if path.is_file()]
    return {str(path.relative_to(PROJECT_ROOT)).replace("/", "__"): path.read_text() for path in paths}


def pod_spec(image: str) -> Object:
    """A pod that the restricted Pod Security Standard admits."""
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "git",
                "image": image,
                "command": ["python", "/program/git_server.py", "/files", "/tmp/slipway.git", str(PORT)],
                "ports": [{"name": "http", "containerPort": PORT}],
                "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1},
                "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "tmp", "mountPath": "/tmp"},
                    {"name": "files", "mountPath": "/files"},
                    {"name": "program", "mountPath": "/program"},
                ],
            }
        ],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "files", "configMap": {"name": "git"}},
            {"name": "program", "configMap": {"name": "git-program"}},
        ],
    }


def start(installation: Installation, image: str) -> None:
    """Start the Git server and wait until it answers. `image`: that of the steps, which has dulwich."""
    core = installation.core
    program = {"git_server.py": PROGRAM.read_text()}
    for name, data in (("git", files()), ("git-program", program)):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**NAMED, "name": name}, "data": data}
        core.create_namespaced_config_map(NAMESPACE, body)
    service = {"selector": LABELS, "ports": [{"name": "http", "port": PORT, "targetPort": "http"}]}
    core.create_namespaced_service(
        NAMESPACE, {"apiVersion": "v1", "kind": "Service", "metadata": NAMED, "spec": service}
    )
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**NAMED, "labels": LABELS}, "spec": pod_spec(image)}
    core.create_namespaced_pod(NAMESPACE, pod)

    def ready() -> bool:
        status = core.read_namespaced_pod("git", NAMESPACE).status
        return bool(status.container_statuses and status.container_statuses[0].ready)

    installation.until("the Git server is ready (is the image of the steps in REGISTRY?)", ready, 180)
