"""What each environment serves, as values files in a Git repository. Each change, such as a revert, is a commit that
everybody can see.

There is one file for each environment. Releases replace the whole file, and nothing else writes it. A commit is based
on the current head of the branch and is only pushed onto that head; where another push came first, the commit is made
again. Nothing is checked out, so a read-only root file system is enough.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml
from dulwich.client import GitClient, HTTPUnauthorized, SendPackResult, get_transport_and_path
from dulwich.config import ConfigDict
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, SendPackError
from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import MemoryRepo
from urllib3.exceptions import HTTPError

from slipway_steps.adapters.retry import USUAL, Again, RetryPolicy
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

AUTHOR = b"Slipway <slipway@localhost>"
HEADER = "# Written by releases of Slipway only. Make your own changes in the other values file.\n"
Values = dict[str, Any]
T = TypeVar("T")


class _Dumper(yaml.SafeDumper):
    """Writes every value that is a text in quotes. Helm would read a revision such as 1234e56 as a number."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        for _, value in node.value:
            if value.tag == "tag:yaml.org,2002:str":
                value.style = '"'
        return node


class DeploymentRepository:
    """The branch `deploy_branch` of the Git repository `deploy_repository`, both of the settings."""

    def __init__(self, settings: Settings, retry: RetryPolicy = USUAL) -> None:
        self.settings = settings
        self.retry = retry
        self._ref = f"refs/heads/{settings.deploy_branch}".encode()

    def read(self, environment: Environment) -> Values | None:
        """The values of an environment; None where none were written yet. Raises PlatformError."""

        def once() -> Values | None:
            repository, head = self._fetched()
            text = self._text(repository, head, environment)
            return None if text is None else self._parsed(text, environment)

        return self._tried(once, "reading")

    def unwritten(self) -> list[Environment]:
        """The environments that no values were written for yet. Raises PlatformError."""

        def once() -> list[Environment]:
            repository, head = self._fetched()
            return [one for one in Environment if self._text(repository, head, one) is None]

        return self._tried(once, "reading")

    def write(self, environment: Environment, values: Values, message: str) -> str:
        """Commit and push the values of an environment. Returns the revision that has them.

        Nothing is committed where the values are there already. Raises PlatformError where the repository cannot be
        reached or refuses the push, or where other pushes came first in every attempt.
        """
        wanted = (HEADER + yaml.dump(values, Dumper=_Dumper, sort_keys=False)).encode()

        def once() -> str:
            repository, head = self._fetched()
            if self._text(repository, head, environment) == wanted:
                return head.decode()
            commit = self._commit(repository, head, environment, wanted, message)
            self._push(repository, head, commit)
            return commit.decode()

        return self._tried(once, f"writing the values of {environment} to")

    def _path(self, environment: Environment) -> bytes:
        return self.settings.deploy_path.replace("{environment}", environment.value).encode()

    def _client(self) -> tuple[GitClient, str]:
        config = ConfigDict()
        config.set((b"http",), b"timeout", str(self.settings.deploy_timeout).encode())
        if self.settings.deploy_ca:
            config.set((b"http",), b"sslCAInfo", str(self.settings.deploy_ca).encode())
        password = self.settings.deploy_password.get_secret_value()
        client, path = get_transport_and_path(
            self.settings.deploy_repository,
            config=config,
            quiet=True,
            username=self.settings.deploy_username or None,
            password=password or None,
        )
        return client, str(path)

    def _fetched(self) -> tuple[MemoryRepo, bytes]:
        client, path = self._client()
        repository = MemoryRepo()

        def wants(refs: dict[Any, Any], depth: int | None = None) -> list[Any]:
            return [refs[self._ref]] if self._ref in refs else []

        # without the history, so that an old repository is fetched as quickly as a new one
        found = client.fetch(path, repository, determine_wants=wants, depth=1)
        head = found.refs.get(self._ref)
        if head is None:
            branch = self.settings.deploy_branch
            raise PlatformError(f"{self._where()} has no branch {branch}", "make it, or set SLIPWAY_DEPLOY_BRANCH")
        return repository, bytes(head)

    def _text(self, repository: MemoryRepo, head: bytes, environment: Environment) -> bytes | None:
        commit = repository[head]
        tree = repository[commit.tree] if isinstance(commit, Commit) else None
        if not isinstance(tree, Tree):
            raise PlatformError(f"{self._where()} has no commit on its branch", "push a first commit")
        try:
            _, sha = tree.lookup_path(repository.__getitem__, self._path(environment))
        except KeyError:
            return None
        blob = repository[sha]
        return blob.data if isinstance(blob, Blob) else None

    def _parsed(self, text: bytes, environment: Environment) -> Values:
        try:
            found = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            found = str(error)
        if not isinstance(found, dict):
            path = self._path(environment).decode()
            raise PlatformError(
                f"{path} in {self._where()} holds no values", "only releases write it: revert the commit"
            )
        return found

    def _commit(
        self, repository: MemoryRepo, head: bytes, environment: Environment, text: bytes, message: str
    ) -> bytes:
        store, blob = repository.object_store, Blob.from_string(text)
        store.add_object(blob)
        parent = repository[head]
        tree = repository[parent.tree] if isinstance(parent, Commit) else Tree()
        changed: Any = commit_tree_changes(store, tree, [(self._path(environment), 0o100644, blob.id)])
        commit = Commit()
        commit.tree = changed if isinstance(changed, bytes) else changed.id
        commit.parents = [head]
        commit.author = commit.committer = AUTHOR
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = message.encode()
        store.add_object(commit)
        return bytes(commit.id)

    def _push(self, repository: MemoryRepo, head: bytes, commit: bytes) -> None:
        client, path = self._client()

        def refs(there: dict[Any, Any]) -> dict[Any, Any]:
            if there.get(self._ref) != head:
                raise Again("somebody else pushed meanwhile")
            return {self._ref: commit}

        result: SendPackResult = client.send_pack(path.encode(), refs, repository.generate_pack_data)
        refused = (result.ref_status or {}).get(self._ref)
        if refused:
            # the server compares the head as well: another push came in between
            raise Again(f"the server refused: {refused}")

    def _where(self) -> str:
        url = urlsplit(self.settings.deploy_repository)
        return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()

    def _tried(self, once: Callable[[], T], what: str) -> T:
        def translated() -> T:
            try:
                return once()
            except HTTPUnauthorized as error:
                hint = "check SLIPWAY_DEPLOY_USERNAME and SLIPWAY_DEPLOY_PASSWORD"
                raise PlatformError(f"{what} {self._where()} failed: it asks for a password", hint) from error
            except NotGitRepository as error:
                hint = "check SLIPWAY_DEPLOY_REPOSITORY"
                raise PlatformError(f"{what} {self._where()} failed: there is no repository", hint) from error
            except (GitProtocolError, HangupException, SendPackError, HTTPError, OSError) as error:
                raise Again(f"{type(error).__name__}: {str(error)[:200]}") from error

        try:
            return self.retry.call(translated)
        except Again as error:
            raise PlatformError(f"{what} {self._where()} failed: {error}", "is it up? Run it again") from error
