"""The kinds that the API server of the tests knows: API version -> kind -> plural."""

KINDS = {
    "v1": {
        "Namespace": "namespaces",
        "ServiceAccount": "serviceaccounts",
        "ConfigMap": "configmaps",
        "Secret": "secrets",
        "PersistentVolumeClaim": "persistentvolumeclaims",
        "Pod": "pods",
        "Event": "events",
        "Node": "nodes",
    },
    "apps/v1": {"Deployment": "deployments", "ReplicaSet": "replicasets"},
    "metrics.k8s.io/v1beta1": {"PodMetrics": "pods"},
    "rbac.authorization.k8s.io/v1": {
        "Role": "roles",
        "RoleBinding": "rolebindings",
        "ClusterRole": "clusterroles",
        "ClusterRoleBinding": "clusterrolebindings",
    },
    "apiextensions.k8s.io/v1": {"CustomResourceDefinition": "customresourcedefinitions"},
    "storage.k8s.io/v1": {"StorageClass": "storageclasses"},
    "apiregistration.k8s.io/v1": {"APIService": "apiservices"},
    "argoproj.io/v1alpha1": {
        "Workflow": "workflows",
        "WorkflowTemplate": "workflowtemplates",
        "CronWorkflow": "cronworkflows",
        "EventBus": "eventbus",
        "EventSource": "eventsources",
        "Sensor": "sensors",
        "Application": "applications",
        "AppProject": "appprojects",
    },
}
CLUSTER_WIDE = {
    *("namespaces", "nodes", "clusterroles", "clusterrolebindings"),
    *("customresourcedefinitions", "storageclasses", "apiservices"),
}
