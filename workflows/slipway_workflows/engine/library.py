"""The manifests a run may use: read from files, looked up by kind and name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from slipway_steps.domain.errors import BadInput

Manifest = dict[str, Any]
TEMPLATE_KINDS = ("WorkflowTemplate", "ClusterWorkflowTemplate")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Library:
    """Manifests by (kind, name); the first file that has one wins. `files` keeps what each file holds, in order."""

    found: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    files: dict[Path, list[Manifest]] = field(default_factory=dict)

    def template(self, name: str, cluster: bool = False) -> Manifest:
        """A WorkflowTemplate, or a ClusterWorkflowTemplate. Raises BadInput, naming the known ones."""
        kind = TEMPLATE_KINDS[cluster]
        if (kind, name) not in self.found:
            known = sorted(n for k, n in self.found if k == kind)
            raise BadInput(f"unknown {kind} {name!r}", f"known: {', '.join(known) or 'none'}")
        return self.found[kind, name]


def read(path: Path) -> list[Manifest]:
    """The Kubernetes objects in a file. Raises BadInput with file and line."""
    try:
        documents = list(yaml.load_all(path.read_text(), Loader=LOADER))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise BadInput(f"{where} is no YAML: {getattr(error, 'problem', None) or error}") from error
    found = [document for document in documents if document is not None]
    for document in found:
        meta = document.get("metadata") if isinstance(document, dict) else None
        if not isinstance(meta, dict) or not isinstance(document.get("kind"), str):
            raise BadInput(f"{path} holds something that is no Kubernetes object", "kind and metadata are needed")
    if not found:
        raise BadInput(f"{path} holds no Kubernetes object")
    return found


def load(files: Sequence[Path], catalog: Path | None = None) -> Library:
    """Read files, then the catalog's directory."""
    library = Library()
    for path in [*files, *(sorted(catalog.glob("*.yaml")) if catalog else [])]:
        documents = read(path)
        library.files[path] = documents
        for document in documents:
            name = document["metadata"].get("name") or document["metadata"].get("generateName", "")
            library.found.setdefault((document["kind"], name), document)
    return library


def main_object(library: Library, path: Path) -> Manifest:
    """What `slipway run FILE` runs: its one Workflow, else its CronWorkflow now, else its first WorkflowTemplate.

    Raises BadInput where there is none, or more than one Workflow.
    """
    documents = library.files[path]
    workflows = [d for d in documents if d["kind"] == "Workflow"]
    if len(workflows) > 1:
        raise BadInput(f"{path} holds {len(workflows)} Workflows", "put each into a file of its own")
    for kind in ("Workflow", "CronWorkflow", *TEMPLATE_KINDS):
        for document in documents:
            if document["kind"] == kind:
                return document
    raise BadInput(f"{path} holds no Workflow, CronWorkflow or WorkflowTemplate")
