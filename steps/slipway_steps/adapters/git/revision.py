"""Reads a directory as a Git repository of this machine held it at a revision. Nothing is checked out."""

import re
import stat
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.index import validate_path
from dulwich.object_store import iter_tree_contents
from dulwich.objects import Blob, Commit, Tree
from dulwich.objectspec import parse_commit
from dulwich.repo import Repo

from slipway_steps.domain.errors import BadInput

ANCESTOR = re.compile(r"(?P<name>.+?)(?P<steps>(~\d*|\^)+)")
"""A revision such as HEAD~2 or v0.3^, of which dulwich knows the first part alone."""


def repository_root(path: Path) -> Path:
    """The top directory of the Git repository that a path is in. Raises BadInput where it is in none."""
    try:
        with Repo.discover(str(path)) as repository:
            return Path(repository.path).resolve()
    except NotGitRepository as error:
        hint = "a revision is read from Git; . is the working tree"
        raise BadInput(f"{path} is in no Git repository", hint) from error


def head_commit(path: Path) -> str:
    """The commit that is checked out where a path is; "" where it is in no Git repository, or that has no commit."""
    try:
        with Repo.discover(str(path)) as repository:
            head: bytes = repository.head()
            return head.decode()
    except (NotGitRepository, KeyError):
        return ""


def export_revision(directory: Path, revision: str, target: Path) -> str:
    """Write what a directory held at a revision below `target`, at its path in the repository. Returns the commit's id.

    directory: in a Git repository; it need not exist any more. revision: a branch, tag, commit or an ancestor such as
    HEAD~2. Submodules are left out. Raises BadInput where there is no such revision, or no such directory in it, and
    OSError where it cannot be written.
    """
    root = repository_root(directory)
    relative = directory.resolve().relative_to(root)
    with Repo(str(root)) as repository:
        commit = _commit(repository, revision)
        tree = repository[commit.tree]
        if relative.parts and isinstance(tree, Tree):
            try:
                _, sha = tree.lookup_path(repository.__getitem__, str(relative).encode())
            except KeyError as error:
                raise BadInput(f"revision {revision} has no directory {relative}", "name a newer one") from error
            tree = repository[sha]
        if not isinstance(tree, Tree):
            raise BadInput(f"{relative} is no directory in revision {revision}", "name a newer one")
        for entry in iter_tree_contents(repository.object_store, tree.id):
            blob = None if stat.S_IFMT(entry.mode) == 0o160000 else repository[entry.sha]
            if isinstance(blob, Blob) and validate_path(entry.path):
                _write(target / relative / entry.path.decode(errors="surrogateescape"), blob, entry.mode)
        return str(commit.id.decode())


def _commit(repository: Repo, revision: str) -> Commit:
    """The commit of a revision."""
    found = ANCESTOR.fullmatch(revision)
    try:
        if not revision:
            raise KeyError(revision)
        commit = parse_commit(repository, found["name"] if found else revision)
        for step in re.findall(r"~\d*|\^", found["steps"]) if found else ():
            for _ in range(int(step[1:] or 1) if step[0] == "~" else 1):
                parent = repository[commit.parents[0]]
                if isinstance(parent, Commit):
                    commit = parent
    except (KeyError, ValueError, IndexError) as error:
        raise BadInput(f"{repository.path} has no revision {revision!r}", "name a branch, a tag or a commit") from error
    return commit


def _write(path: Path, blob: Blob, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(mode):
        path.symlink_to(blob.data.decode(errors="surrogateescape"))
    else:
        path.write_bytes(blob.data)
        path.chmod(0o755 if mode & 0o100 else 0o644)
