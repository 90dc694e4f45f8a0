"""Which kind of object a reference names."""

from slipway_workflows.argo.references import referenced_kind


def test_a_reference_of_cluster_scope_names_a_cluster_workflow_template() -> None:
    assert referenced_kind({"name": "a", "clusterScope": True}) == "ClusterWorkflowTemplate"
    assert referenced_kind({"name": "a", "clusterScope": False}) == "WorkflowTemplate"
    assert referenced_kind({"name": "a"}) == "WorkflowTemplate"
