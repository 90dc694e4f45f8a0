"""Authorization as Kubernetes does it: what Roles, ClusterRoles and their bindings let a user do, and how a refusal is
worded.

Servers of the tests ask it about each request that comes with the token of a user; other tokens may do everything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from slipway_steps.settings import PROJECT_ROOT

Object = dict[str, Any]

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
TOKEN = "token-of-"


def service_account(name: str, namespace: str = "slipway") -> str:
    """The user that a pod of this service account is."""
    return f"system:serviceaccount:{namespace}:{name}"


def token_of(user: str) -> str:
    """What a kubeconfig says to be this user."""
    return TOKEN + user


def user_of(headers: Mapping[str, str]) -> str | None:
    """Whose token a request carries; None: one that may do everything."""
    token = (headers.get("Authorization") or "").removeprefix("Bearer ")
    return token.removeprefix(TOKEN) if token.startswith(TOKEN) else None


@dataclass(frozen=True)
class Request:
    """What a request asks for, in the words of a Role. `name` is empty for a list and for a new object."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


def parsed(method: str, path: str, watch: bool = False) -> Request | None:
    """The request to a path of the API; None for what is about the API itself, which everybody may ask."""
    parts = path.strip("/").split("/")
    if parts[0] not in ("api", "apis"):
        return None
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    if not rest:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource = "/".join([rest[0], *rest[2:]])
    name = rest[1] if len(rest) > 1 else ""
    reads = "watch" if watch else "get" if name else "list"
    return Request(VERBS.get(method) or reads, group, resource, namespace, name)


class Rights:
    """What the Roles, ClusterRoles and their bindings among `objects` allow. A ClusterRole is bound by a
    ClusterRoleBinding here, and by no RoleBinding.
    """

    def __init__(self, objects: Iterable[Object]) -> None:
        found = list(objects)
        self.roles = {self._place(one): one["rules"] for one in found if one["kind"] in ("Role", "ClusterRole")}
        self.bindings = [one for one in found if one["kind"] in ("RoleBinding", "ClusterRoleBinding")]

    @staticmethod
    def _place(one: Object) -> tuple[str, str]:
        return one["metadata"].get("namespace", ""), one["metadata"]["name"]

    def _rules(self, user: str, namespace: str) -> Iterable[Object]:
        for binding in self.bindings:
            subjects = {
                service_account(one["name"], one["namespace"]) if one["kind"] == "ServiceAccount" else one["name"]
                for one in binding["subjects"]
            }
            place = binding["metadata"].get("namespace", "")
            if place in (namespace, "") and user in subjects:
                yield from self.roles.get((place, binding["roleRef"]["name"]), [])

    def refusal(self, user: str | None, request: Request | None) -> str | None:
        """Why the request is refused; None: it is allowed. A rule with resourceNames allows neither list nor create."""
        if user is None or request is None:
            return None
        for rule in self._rules(user, request.namespace):
            names = rule.get("resourceNames")
            if (
                request.verb in rule["verbs"]
                and request.group in rule["apiGroups"]
                and request.resource in rule["resources"]
                and (not names or request.name in names)
            ):
                return None
        what = f"{request.resource}.{request.group}" if request.group else request.resource
        named = f' "{request.name}"' if request.name else ""
        scope = f'in the namespace "{request.namespace}"' if request.namespace else "at the cluster scope"
        return (
            f'{what}{named} is forbidden: User "{user}" cannot {request.verb} resource "{request.resource}" in '
            f'API group "{request.group}" {scope}'
        )


REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def reviewed(rights: Rights, user: str | None, review: Object) -> Object:
    """A SelfSubjectAccessReview with its answer. Every account may ask what it may do itself."""
    wanted = review["spec"]["resourceAttributes"]
    asked = Request(*(wanted.get(key, "") for key in ("verb", "group", "resource", "namespace", "name")))
    refusal = rights.refusal(user, asked)
    return {**review, "status": {"allowed": refusal is None, **({"reason": refusal} if refusal else {})}}


def ours() -> Rights:
    """The rights of the service accounts, as the manifests give them."""
    paths = sorted((PROJECT_ROOT / "workflows" / "manifests").glob("role*.yaml"))
    return Rights([yaml.safe_load(path.read_text()) for path in paths])
