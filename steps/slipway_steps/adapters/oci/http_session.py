"""HTTP requests to one OCI registry: addresses, credentials, tokens, retries (distribution-spec 1.1)."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from slipway_steps.adapters.retry import AGAIN, Again, RetryPolicy, reason_of, retry_after
from slipway_steps.domain.errors import ImageError
from slipway_steps.settings import Settings

CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def credentials(file: Path | None, host: str) -> tuple[str, str] | None:
    """User and password for a host, from a Docker config.json (the form of an imagePullSecret); None where it has none.

    Raises ImageError for a file that cannot be read. Its content is never part of a message.
    """
    if file is None:
        return None
    try:
        known = json.loads(file.read_text()).get("auths", {})
    except (OSError, ValueError, AttributeError) as error:
        raise ImageError(f"the registry credentials {file} cannot be read", "it is a Docker config.json") from error
    entry = known.get(host) or known.get(f"https://{host}") or known.get(f"https://{host}/v1/") or {}
    if entry.get("username"):
        return str(entry["username"]), str(entry.get("password", ""))
    try:
        user, _, password = base64.b64decode(entry.get("auth", ""), validate=True).decode().partition(":")
    except ValueError as error:
        raise ImageError(f"the registry credentials {file} for {host} are damaged", "write them again") from error
    return (user, password) if user else None


class RegistryClient:
    """Requests to one registry. `host`: with its port; `insecure`: plain HTTP."""

    def __init__(self, host: str, settings: Settings, retry: RetryPolicy, insecure: bool) -> None:
        self.host = host
        self.retry = retry
        self.base = f"{'http' if insecure else 'https'}://{host}"
        self.timeout = settings.registry_timeout
        self.login = credentials(settings.registry_credentials, host)
        self.session = requests.Session()
        self.session.trust_env = False  # the credentials of a .netrc are not meant for this registry
        if settings.registry_authorities is not None:
            self.session.verify = str(settings.registry_authorities)
        self._tokens: dict[str, str] = {}
        self._basic = False

    def request(
        self,
        method: str,
        url: str,
        scope: str,
        *,
        expected: tuple[int, ...],
        what: str,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send a request and return the answer, whose status is one of `expected`. `url`: a path, or a location that
        the registry gave; `scope`: of the token (`repository:NAME:pull`); `what`: describes the request in messages;
        `data`: bytes, or a callable that opens the body again for each attempt.

        Raises ImageError for any other status, and for a registry that cannot be reached.
        """
        address, given = urljoin(self.base, url), dict(headers or {})
        try:
            answer = self.retry.call(lambda: self._once(method, address, scope, given, data, stream))
        except Again as error:
            raise ImageError(f"{what} at {self.host} failed: {error}", "is the registry up? Run it again") from error
        if answer.status_code in expected:
            return answer
        raise ImageError(f"{what} at {self.host} failed: {_reason(answer)}", _hint(answer.status_code))

    def _once(
        self, method: str, url: str, scope: str, headers: dict[str, str], data: Any, stream: bool
    ) -> requests.Response:
        answer = self._send(method, url, {**headers, **self._authorization(url, scope)}, data, stream)
        if answer.status_code == 401 and self._answer_challenge(answer, scope):
            answer = self._send(method, url, {**headers, **self._authorization(url, scope)}, data, stream)
        if answer.status_code in AGAIN:
            raise Again(_reason(answer), retry_after(answer.headers))
        return answer

    def _send(self, method: str, url: str, headers: dict[str, str], data: Any, stream: bool) -> requests.Response:
        body = data() if callable(data) else data
        try:
            answer = self.session.request(
                method, url, headers=headers, data=body, timeout=self.timeout, stream=stream, allow_redirects=False
            )
            if answer.is_redirect and method in ("GET", "HEAD"):
                # a registry may redirect to its storage, which must not get the registry's credentials
                elsewhere = urljoin(url, answer.headers["Location"])
                plain = {key: value for key, value in headers.items() if key != "Authorization"}
                kept = headers if urlsplit(elsewhere).netloc == self.host else plain
                answer = self.session.request(
                    method, elsewhere, headers=kept, timeout=self.timeout, stream=stream, allow_redirects=False
                )
        except requests.exceptions.SSLError as error:
            raise ImageError(
                f"the certificate of {self.host} is not trusted: {reason_of(error)}",
                "name its CA by SLIPWAY_REGISTRY_CA, on a cluster by ca.crt of the Secret slipway-registry; or allow "
                "plain HTTP by SLIPWAY_REGISTRY_INSECURE=true (for the app's base: SLIPWAY_APP_BASE_INSECURE=true)",
            ) from error
        except requests.RequestException as error:
            raise Again(reason_of(error)) from error
        finally:
            if callable(data) and hasattr(body, "close"):
                body.close()
        return answer

    def _authorization(self, url: str, scope: str) -> dict[str, str]:
        if urlsplit(url).netloc != self.host:
            return {}
        if scope in self._tokens:
            return {"Authorization": f"Bearer {self._tokens[scope]}"}
        if self._basic and self.login:
            return {"Authorization": "Basic " + base64.b64encode(":".join(self.login).encode()).decode()}
        return {}

    def _answer_challenge(self, answer: requests.Response, scope: str) -> bool:
        """Get the credentials that the registry asks for. Returns False where there is nothing new to try."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        if challenge.lower().startswith("basic"):
            fresh = not self._basic and self.login is not None
            self._basic = True
            return fresh
        asked = dict(CHALLENGE.findall(challenge))
        if not challenge.lower().startswith("bearer") or "realm" not in asked:
            return False
        parameters = {"service": asked.get("service", ""), "scope": asked.get("scope", scope)}
        try:
            found = self.session.get(asked["realm"], params=parameters, auth=self.login, timeout=self.timeout)
        except requests.RequestException as error:
            raise Again(f"its token service: {reason_of(error)}") from error
        if found.status_code in AGAIN:
            raise Again(f"its token service: {_reason(found)}", retry_after(found.headers))
        try:
            body = found.json() if found.ok else {}
        except ValueError:
            body = {}
        token = str(body.get("token") or body.get("access_token") or "")
        before = self._tokens.pop(scope, None)
        if not token or token == before:
            return False
        self._tokens[scope] = token
        return True


def _reason(answer: requests.Response) -> str:
    try:
        errors = answer.json()["errors"]
        told = "; ".join(f"{one.get('code')}: {one.get('message')}" for one in errors)
    except (ValueError, KeyError, TypeError, AttributeError, requests.RequestException):
        told = answer.reason or ""
    return f"status {answer.status_code} {told}".strip()


def _hint(status: int) -> str:
    if status in (401, 403):
        return (
            "check the credentials: SLIPWAY_REGISTRY_AUTH_FILE, on a cluster .dockerconfigjson of the Secret "
            "slipway-registry"
        )
    return "build it again" if status == 404 else "see the registry's log"
