"""How this process returns memory to the system. Its limit is 256 MiB, and one upload may need 100 of them for a
moment.
"""

import ctypes
from contextlib import suppress

M_MMAP_THRESHOLD = -3
"""The number of this parameter of mallopt(3) in glibc."""
LARGE = 1024 * 1024
"""Bytes from which a block counts as large: decoded images and uploads do."""


def return_large_blocks() -> None:
    """Return large blocks to the system as soon as they are free. Call it before anything large is allocated.

    By default glibc raises its threshold after the first such block and then keeps them in its heap. Measured with
    images of 12 million pixels: 100 MiB resident afterwards instead of 192, and 218 MiB at the peak instead of 253.
    ONNX Runtime's arena has to stay enabled: it keeps the model's own buffers, which would otherwise be mapped again
    for each call (3.1 against 5.6 ms).
    """
    with suppress(OSError, AttributeError):  # other C libraries have no such function
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
