"""A Git server for Argo CD and for releases, in a pod of our own image: `python git_server.py FILES REPOSITORY PORT`.

The files below the directory FILES are the first commit of branch main of a new bare repository, which everybody who
reaches the port may read and push to. A `__` in a name stands for `/`, which the keys of a ConfigMap cannot hold.
"""

import sys
import time
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

from dulwich.index import commit_tree
from dulwich.objects import Blob, Commit
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain


class ThreadedServer(ThreadingMixIn, WSGIServer):
    """One slow reader does not keep the others waiting."""

    daemon_threads = True


def first_commit(files: Path, directory: Path) -> Repo:
    """A new bare repository with these files on branch main."""
    directory.mkdir(parents=True)
    repository = Repo.init_bare(str(directory))
    blobs = []
    for path in sorted(files.rglob("*")):
        name = path.relative_to(files).as_posix()
        if path.is_file() and not name.startswith(".."):  # so begin the names that a kubelet keeps for itself
            blob = Blob.from_string(path.read_bytes())
            repository.object_store.add_object(blob)
            blobs.append((name.replace("__", "/").encode(), blob.id, 0o100644))
    commit = Commit()
    commit.tree = commit_tree(repository.object_store, blobs)
    commit.author = commit.committer = b"Slipway <slipway@localhost>"
    commit.author_time = commit.commit_time = int(time.time())
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = b"The chart of the environments\n"
    repository.object_store.add_object(commit)
    repository.refs[b"refs/heads/main"] = commit.id
    repository.refs.set_symbolic_ref(b"HEAD", b"refs/heads/main")
    return repository


def main(files: str, directory: str, port: str) -> None:
    """Serve until the pod is deleted."""
    repository = first_commit(Path(files), Path(directory))
    application = make_wsgi_chain(DictBackend({"/slipway.git": repository}))
    server = make_server("0.0.0.0", int(port), application, server_class=ThreadedServer)
    print(f"serving on {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
