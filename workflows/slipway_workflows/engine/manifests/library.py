"""The library of a run: the manifests in which it looks up templates and ConfigMaps by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_workflows.engine.manifests.images import Images
from slipway_workflows.engine.manifests.yaml_reader import read_documents

Manifest = dict[str, Any]
KINDS = ("Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "ConfigMap")
"""The kinds that the engine reads; others in a file (a ServiceAccount, a Role) only mean something to a cluster."""


@dataclass(frozen=True)
class Source:
    """A manifest, with the file and line at which it begins."""

    manifest: Manifest
    path: Path
    line: int

    @property
    def kind(self) -> str:
        """The kind of the object, such as `WorkflowTemplate`."""
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """Its `metadata.name`, or else its `metadata.generateName`."""
        metadata = self.manifest["metadata"]
        return str(metadata.get("name") or metadata.get("generateName"))


@dataclass
class Library:
    """Objects by kind and name. Of several with the same kind and name, the one that was read first counts."""

    sources: list[Source] = field(default_factory=list)
    catalog: Path | None = None
    """A directory of YAML files that is read when a name is looked up that the other files do not have."""
    images: Images = field(default_factory=Images)
    resources: str = ""
    """Where resource templates find objects: `files`, `cluster`, or "" for nowhere."""
    _index: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    _catalog_read: bool = False

    def add(self, path: Path) -> None:
        """Read the objects of one file. Raises BadInput, with file and line, for what is not a Kubernetes object."""
        for manifest, line in read_documents(path):
            metadata = manifest.get("metadata")
            named = isinstance(metadata, dict) and isinstance(metadata.get("name") or metadata.get("generateName"), str)
            if manifest["kind"] not in KINDS:
                continue
            if not named:
                raise BadInput(f"{path}:{line}: {manifest['kind']} without metadata.name", "give it a name")
            if manifest["kind"] != "ConfigMap" and not isinstance(manifest.get("spec"), dict):
                raise BadInput(f"{path}:{line}: {manifest['kind']} without a spec", "give it a spec")
            if manifest["kind"] == "ConfigMap" and not isinstance(manifest.get("data") or {}, dict):
                raise BadInput(f"{path}:{line}: the data of a ConfigMap is not a map", "data maps keys to texts")
            source = Source(manifest, path, line)
            self.sources.append(source)
            self._index.setdefault((source.kind, source.name), manifest)

    def find(self, kind: str, name: str) -> Manifest | None:
        """The object with this kind and name, or None. The catalog is read if the files do not have it."""
        if (kind, name) not in self._index and self.catalog is not None and not self._catalog_read:
            self._catalog_read = True
            for path in sorted(self.catalog.glob("*.yaml")):
                self.add(path)
        return self._index.get((kind, name))

    def manifests(self) -> list[Manifest]:
        """All manifests that were read, in order; `of_manifests` makes a library of them again."""
        return [source.manifest for source in self.sources]

    def template(self, name: str) -> Manifest:
        """The (Cluster)WorkflowTemplate or CronWorkflow `name`. Raises BadInput, with known names, if there is none."""
        kinds = ("WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")
        found = next((one for kind in kinds if (one := self.find(kind, name))), None)
        if found is None:
            known = sorted(n for kind, n in self._index if kind.endswith(("WorkflowTemplate", "CronWorkflow")))
            raise BadInput(f"unknown workflow {name!r}", f"known: {', '.join(known) or 'none'}")
        return found

    def config_values(self, name: str, optional: bool) -> dict[str, str]:
        """All values of the ConfigMap `name`, by key. Raises WorkflowInvalid where it is missing and not optional."""
        found = self.find("ConfigMap", name)
        if found is None and not optional:
            raise WorkflowInvalid(f"there is no ConfigMap {name}", "add it with --with FILE")
        return {str(key): str(value) for key, value in ((found or {}).get("data") or {}).items()}

    def config_value(self, reference: Manifest) -> str:
        """The value that a configMapKeyRef names. Raises WorkflowInvalid where the ConfigMap or its key is missing."""
        name, key = str(reference.get("name")), str(reference.get("key"))
        data = (self.find("ConfigMap", name) or {}).get("data") or {}
        if key not in data:
            raise WorkflowInvalid(f"ConfigMap {name} has no key {key}", "add it with --with FILE")
        return str(data[key])


def of_manifests(manifests: Sequence[Manifest], path: Path) -> Library:
    """The library of manifests that `Library.manifests` returned. `path`: the place they were stored in."""
    library = Library()
    for manifest in manifests:
        source = Source(manifest, path, 1)
        library.sources.append(source)
        library._index.setdefault((source.kind, source.name), manifest)
    return library


def load(files: Sequence[Path], catalog: Path | None = None) -> Library:
    """The library of these files. `catalog`: a directory that is only read for names that the files do not have.

    Raises BadInput, with file and line, for a file that is not YAML or an object that is not one of Kubernetes.
    """
    library = Library(catalog=catalog)
    for path in files:
        library.add(Path(path))
    return library


def main_object(library: Library, path: Path) -> Manifest:
    """The object of a file that `slipway run FILE` runs: its one Workflow, or else its first CronWorkflow, or else its
    first (Cluster)WorkflowTemplate.

    Raises BadInput where the file holds none of these, or more than one Workflow.
    """
    mine = [source for source in library.sources if source.path == Path(path)]
    workflows = [source for source in mine if source.kind == "Workflow"]
    if len(workflows) > 1:
        lines = ", ".join(str(source.line) for source in workflows)
        raise BadInput(f"{path} holds {len(workflows)} Workflows (lines {lines})", "give a file with one")
    for kinds in (("Workflow",), ("CronWorkflow",), ("WorkflowTemplate", "ClusterWorkflowTemplate")):
        for source in mine:
            if source.kind in kinds:
                return source.manifest
    raise BadInput(f"{path} holds no Workflow, CronWorkflow or WorkflowTemplate", "nothing in it can be run")
