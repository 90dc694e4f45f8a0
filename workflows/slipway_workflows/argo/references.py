"""References to templates of other objects: `templateRef` and `workflowTemplateRef`."""

from collections.abc import Mapping
from typing import Any, Literal

ReferencedKind = Literal["WorkflowTemplate", "ClusterWorkflowTemplate"]


def referenced_kind(reference: Mapping[str, Any]) -> ReferencedKind:
    """The kind of the object that a `templateRef` or `workflowTemplateRef` names."""
    return "ClusterWorkflowTemplate" if reference.get("clusterScope") else "WorkflowTemplate"
