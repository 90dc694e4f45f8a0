"""The DNS of the simulated cluster, in each process of a pod: names of Services are addresses of this machine.

SIMULATED_DNS maps each name to its address, as JSON. Any other name below `cluster.local` does not resolve.
"""

import _socket
import json
import os

_known = json.loads(os.environ.get("SIMULATED_DNS") or "{}")
_asked = _socket.getaddrinfo


def _getaddrinfo(host, *arguments, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and name.endswith(".cluster.local") and name not in _known:
        raise _socket.gaierror(_socket.EAI_NONAME, "Name or service not known")
    return _asked(_known.get(name, host), *arguments, **more)


_socket.getaddrinfo = _getaddrinfo
