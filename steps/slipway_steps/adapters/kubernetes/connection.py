"""How a process reaches the API server: in a pod by its service account, elsewhere by the kubeconfig.

A pod sends plain requests: importing the official client, which has a class for every kind of object, takes more than
a second. It is imported for the kubeconfig alone, whose many ways to log in it knows.
"""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from slipway_steps.domain.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts the token of a pod's service account and the certificate of its API server."""


@dataclass(frozen=True)
class Connection:
    """An API server: its address, a pool of connections to it, and what makes the header that logs in ("" for none)."""

    host: str
    pool: Any
    authorization: "Callable[[], str]"


def connect(kubeconfig: str) -> Connection:
    """The connection of this process. `kubeconfig`: the path; empty: ~/.kube/config.

    Raises PlatformError where there is neither a service account nor a kubeconfig that can be used.
    """
    return _in_pod() or _outside(kubeconfig or "~/.kube/config")


def _in_pod() -> Connection | None:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token, ca = SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt"
    if not host or not port or not token.is_file() or not ca.is_file():
        return None
    pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=str(ca), retries=False)
    address = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    # the token is replaced every hour, in the file
    return Connection(address, pool, lambda: f"Bearer {token.read_text().strip()}")


def _outside(kubeconfig: str) -> Connection:
    from kubernetes.client import Configuration
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config import ConfigException, load_kube_config
    from yaml import YAMLError

    configuration = Configuration()
    try:
        # without a path, the client uses the KUBECONFIG of the time when it was imported
        load_kube_config(kubeconfig, client_configuration=configuration)
    except (ConfigException, OSError) as error:
        raise PlatformError(f"no cluster is configured: {error}", "check KUBECONFIG") from error
    except (AttributeError, KeyError, TypeError, ValueError, YAMLError) as error:
        # the client does not check the file that it reads
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlatformError(f"the kubeconfig cannot be used: {what}", "check KUBECONFIG") from error
    configuration.retries = False  # Api does the retries itself
    return Connection(
        configuration.host.rstrip("/"), RESTClientObject(configuration).pool_manager, partial(_told, configuration)
    )


def _told(configuration: Any) -> str:
    """The header by the kubeconfig; its token may be a program's, which is then run again when it expires."""
    return str(configuration.auth_settings().get("BearerToken", {}).get("value") or "")
