"""Which cluster the suite may use: the one context that its command line names, in a kubeconfig of the suite's own."""

import os
from pathlib import Path
from typing import Any

import yaml


class NotChosen(Exception):
    """The command line does not say clearly which cluster to use. The message says what to do."""


def _named(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return next((one for one in config.get(f"{kind}s") or [] if one.get("name") == name), {})


def only_context(kubeconfig: Path, context: str, target: Path) -> Path:
    """Write a kubeconfig that holds nothing but `context` of `kubeconfig`, and return its path `target`.

    The current context of `kubeconfig` is never used: nobody runs the suite against a cluster by accident. Raises
    NotChosen where no context is named, or the file has none of that name.
    """
    try:
        config = yaml.safe_load(kubeconfig.expanduser().read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise NotChosen(f"the kubeconfig {kubeconfig} cannot be read: {error}; name one: KUBECONFIG=FILE") from error
    known = ", ".join(sorted(str(one.get("name")) for one in config.get("contexts") or [])) or "none"
    if not context:
        raise NotChosen(f"name the context of the cluster: CONTEXT=NAME (in {kubeconfig}: {known})")
    found = _named(config, "context", context)
    if not found:
        raise NotChosen(f"{kubeconfig} has no context {context}; it has: {known}")
    cluster, user = (_named(config, kind, found["context"].get(kind, "")) for kind in ("cluster", "user"))
    for part in (cluster, user):
        for holder in (part.get("cluster") or {}, part.get("user") or {}):
            # paths are relative to the file that names them
            for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                if key in holder:
                    holder[key] = str((kubeconfig.expanduser().parent / holder[key]).resolve())
    only = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [user] if user else [],
        "contexts": [found],
        "current-context": context,
    }
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump(only, file)
    return target
