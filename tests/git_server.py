"""A real bare Git repository behind Git's own HTTP back end, with a password; for tests."""

import base64
import os
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

USER, PASSWORD = "releases", "p@ss:w/rd"


def git(*arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "A Person", f"GIT_{who}_EMAIL": "person@example.org"}
    done = subprocess.run(["git", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class GitServer:
    """`directory`/deploy.git under `url`. `before_push`: called once, before the next push is taken."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bare = directory / "deploy.git"
        git("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=directory)
        git("config", "http.receivepack", "true", cwd=self.bare)
        self.before_push: Callable[[], None] | None = None
        self.faults: list[int] = []
        outer = self

        class Bound(Handler):
            owner = outer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.url = f"http://127.0.0.1:{self.server.server_port}/deploy.git"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def commit(self, name: str, text: str) -> str:
        """Somebody's push of one file; returns the commit."""
        clone = self.directory / f"clone-{name.replace('/', '-')}-{len(list(self.directory.iterdir()))}"
        git("clone", "-q", str(self.bare), str(clone), cwd=self.directory)
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text)
        git("add", ".", cwd=clone)
        git("commit", "-q", "-m", f"change {name}", cwd=clone)
        git("push", "-q", "origin", "HEAD:main", cwd=clone)
        return git("rev-parse", "HEAD", cwd=clone)

    def show(self, path: str, revision: str = "main") -> str:
        return git("show", f"{revision}:{path}", cwd=self.bare)

    def body(self, revision: str = "main") -> list[str]:
        """The lines of a commit's message below its subject."""
        return git("log", "-1", "--format=%b", revision, cwd=self.bare).splitlines()

    def log(self) -> list[str]:
        """Subjects of the commits, newest first."""
        return git("log", "--format=%s", "main", cwd=self.bare).splitlines()


class Handler(BaseHTTPRequestHandler):
    owner: GitServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _refuse(self, code: int) -> None:
        self.send_response(code)
        if code == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def serve(self) -> None:
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else self._chunks()
        if self.owner.faults:
            self._refuse(self.owner.faults.pop(0))
            return
        given = self.headers.get("Authorization", "")
        if given != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            self._refuse(401)
            return
        url = urlsplit(self.path)
        if self.command == "POST" and url.path.endswith("git-receive-pack") and self.owner.before_push:
            first, self.owner.before_push = self.owner.before_push, None
            first()
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.owner.directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": USER,
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def _chunks(self) -> bytes:
        found = b""
        while "chunked" in self.headers.get("Transfer-Encoding", ""):
            size = int(self.rfile.readline(), 16)
            found += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                break
        return found

    do_GET = do_POST = serve  # noqa: N815 - names of the base class
