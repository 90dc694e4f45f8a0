"""What a connection pool of urllib3 has done: the clients of several outside systems send their requests by one."""

from typing import Any


def pool_numbers(manager: Any) -> dict[str, float]:
    """Numbers of a `urllib3.PoolManager`: the requests that were sent, the connections that were opened for them, and
    the most of them that are kept open to one server. Empty before the first request.
    """
    found = [manager.pools[key] for key in manager.pools.keys()]  # noqa: SIM118 - it can only list its keys
    if not found:
        return {}
    return {
        "requests": float(sum(pool.num_requests for pool in found)),
        "connections": float(sum(pool.num_connections for pool in found)),
        "connections kept": float(max(pool.pool.maxsize for pool in found)),
    }
