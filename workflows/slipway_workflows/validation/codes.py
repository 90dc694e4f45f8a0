"""The codes of the validator of deployments. docs/validation.md has an example of each."""

from dataclasses import dataclass

PAGE = "docs/validation.md"


@dataclass(frozen=True)
class Code:
    """A kind of fault. See `findings.finding.Described`."""

    id: str
    name: str
    reason: str
    fix: str


CODES = {
    code.id: code
    for code in (
        Code(
            "SD001",
            "schema",
            "Kubernetes, Docker or GitHub refuses the file, or ignores a field that it does not know.",
            "Correct the field.",
        ),
        Code(
            "SD002",
            "no-schema",
            "Nothing is known of this kind in this API version, so nothing of it was checked.",
            "Correct apiVersion and kind; a custom resource needs a waiver with its reason.",
        ),
        Code(
            "SD101",
            "bad-quantity",
            "The schema takes any text as a quantity; the API server does not.",
            "Write a quantity of Kubernetes, such as 500m or 256Mi.",
        ),
        Code(
            "SD102",
            "request-over-limit",
            "The API server refuses a pod that asks for more than it may use.",
            "Lower the request, or raise the limit.",
        ),
        Code(
            "SD103",
            "selector-mismatch",
            "The API server refuses a workload whose selector does not select its own pods.",
            "Give selector and pod template the same labels.",
        ),
        Code(
            "SD104",
            "unknown-target-port",
            "A Service that forwards to a port which no container has answers nobody.",
            "Name a port of the container.",
        ),
        Code(
            "SD105",
            "points-at-nothing",
            "What refers to an object that is not there does nothing, and says nothing.",
            "Correct the name, or add the object.",
        ),
        Code(
            "SD106",
            "budget-blocks-eviction",
            "A budget that never lets a pod go blocks each drain of a node.",
            "Run more pods than the budget keeps, or leave the budget out.",
        ),
        Code(
            "SD107",
            "selects-nothing",
            "A Service that selects no pods has no endpoints, and answers nobody.",
            "Give the Service the labels of the pod template.",
        ),
        Code(
            "SD108",
            "literal-secret",
            "Whoever reads the file, or its history in Git, has the secret.",
            "Refer to a Secret, or to a file that is not part of the sources; and change the secret.",
        ),
        Code(
            "SD109",
            "host-claimed-twice",
            "Two routes for one host and path: which of them gets a request is not what either says.",
            "Leave the host to one route; let it split the traffic by weight.",
        ),
        Code(
            "SD110",
            "policy-shuts-out-client",
            "A NetworkPolicy drops the packets of a client that is deployed with it.",
            "Let the client in, or out, by its labels.",
        ),
        Code(
            "SD111",
            "missing-key",
            "A container that reads a key which is not there never starts.",
            "Correct the key, add it, or make the reference optional.",
        ),
        Code(
            "SD112",
            "unknown-volume",
            "The API server refuses a pod that mounts a volume which it does not have.",
            "Add the volume, or correct its name.",
        ),
        Code(
            "SD113",
            "unknown-probe-port",
            "A probe of a port which the container does not have fails for ever.",
            "Name a port of the container.",
        ),
        Code(
            "SD114",
            "duplicate-object",
            "The second of two objects with one name overwrites the first, or is refused.",
            "Rename one of them, or remove it.",
        ),
        Code(
            "SD115",
            "autoscaler-without-request",
            "Utilization is a share of the request: without one the autoscaler never scales.",
            "Give each container a request for that resource.",
        ),
        Code(
            "SD116",
            "no-limits",
            "A container without a memory limit takes its neighbours along; without requests it is placed blindly.",
            "Give each container requests for CPU and memory, and a memory limit.",
        ),
        Code(
            "SD117",
            "runs-as-root",
            "Root in a container is root for whatever breaks out of it.",
            "Set runAsNonRoot with a numeric user; in a Dockerfile, USER with a number.",
        ),
        Code(
            "SD118",
            "floating-image",
            "An image without a fixed tag or digest may be another one tomorrow.",
            "Name a full version, or a digest.",
        ),
        Code(
            "SD119",
            "no-probe",
            "Without a probe, what hangs counts as healthy and gets requests.",
            "Add a readinessProbe and a livenessProbe; in a Dockerfile, HEALTHCHECK.",
        ),
        Code(
            "SD120",
            "privileged",
            "A privileged container, or one with the host's namespaces or its Docker socket, owns the node.",
            "Leave it out; add the one capability that is needed.",
        ),
    )
}
"""Each code by its id, in order."""
