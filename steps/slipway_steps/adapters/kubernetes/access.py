"""What the account of this process may do on the cluster, asked of the cluster itself."""

from slipway_steps.domain.environment import Environment
from slipway_steps.settings import Settings

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def refused(settings: Settings) -> list[str]:
    """What is needed to see the environments and is not allowed, such as `list pods in model-app-canary`; [] where the
    platform is no cluster. Each account may ask this of itself. Raises PlatformError where the API does not answer.
    """
    if settings.platform != "kubernetes":
        return []
    from slipway_steps.adapters.kubernetes.api import Api

    api = Api(settings)
    missing = []
    for environment in Environment:
        app = f"{settings.app}-{environment}"
        for verb, group, resource, namespace, name in (
            ("get", "argoproj.io", "applications", settings.argocd_namespace, app),
            ("get", "apps", "deployments", app, ""),
            ("list", "", "pods", app, ""),
        ):
            wanted = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {key: value for key, value in wanted.items() if value}},
            }
            answer = api.post(REVIEWS, review, what=f"asking whether this account may {verb} {resource}")
            if not (answer.get("status") or {}).get("allowed"):
                missing.append(f"{verb} {resource}{f' {name}' if name else ''} in {namespace}")
    return missing
