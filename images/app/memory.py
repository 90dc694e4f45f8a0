"""How this process gives memory back: its limit is 256 MiB, and one upload may need 100 of them for a moment."""

import ctypes
from contextlib import suppress

M_MMAP_THRESHOLD = -3
"""Of mallopt(3), glibc."""
LARGE = 1024 * 1024
"""Bytes; what is larger is a decoded image or an upload."""


def return_large_blocks() -> None:
    """Give large blocks back as soon as they are free. Call before anything large is allocated.

    glibc raises its threshold after the first such block and then keeps them in its heap. Measured with images of 12
    million pixels: 100 MiB resident afterwards instead of 192, 218 MiB at the peak instead of 253. ONNX Runtime's arena
    has to stay on: it keeps the model's own buffers, which would be mapped anew for each call (3.1 against 5.6 ms).
    """
    with suppress(OSError, AttributeError):  # another C library has no such knob
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
