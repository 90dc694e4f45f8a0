"""Reads an uploaded image within limits of size, time and memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

MAX_UPLOAD = 5 * 1024 * 1024
"""Bytes of one uploaded image; the photo of a phone fits."""
ENVELOPE = 4096
"""Bytes of a multipart body in addition to the file."""
MAX_HELD = 24 * 1024 * 1024
"""Bytes of all uploads that arrive or wait for the model. With 100 MiB of the app and 100 MiB for the largest image,
the app stays under its limit of 256 MiB (218 were measured). 24 MiB are hundreds of small images."""
SLOWEST = 30.0
"""Seconds that an upload may take. A client that sends nothing more must not hold memory."""


class InMemory(MultiPartParser):
    """Keeps the file in memory: it is small, and the file system may be read-only."""

    spool_max_size = MAX_UPLOAD + ENVELOPE


class Uploads:
    """Counts the bytes that all current requests hold (`held`)."""

    def __init__(self) -> None:
        self.held = 0

    @asynccontextmanager
    async def image(self, request: Request) -> AsyncIterator[bytes]:
        """Yields the field `image` of a multipart form. Its bytes count as held until the block ends.

        Raises HTTPException: 400 for a form without that file, 408 where the upload is too slow, 413 where it is too
        large, 415 where it is not a form, 503 where too many bytes are held already.
        """
        taken = 0

        async def body() -> AsyncIterator[bytes]:
            nonlocal taken
            async for chunk in request.stream():
                taken += len(chunk)
                self.held += len(chunk)
                if taken > MAX_UPLOAD + ENVELOPE:
                    raise _too_large()
                if self.held > MAX_HELD:
                    raise HTTPException(503, "too many uploads at a time; try again")
                yield chunk

        try:
            yield await _file(request, body())
        finally:
            self.held -= taken


def _too_large() -> HTTPException:
    return HTTPException(413, f"the upload is larger than {MAX_UPLOAD // 2**20} MiB")


async def _file(request: Request, body: AsyncIterator[bytes]) -> bytes:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(415, "send the image as multipart/form-data, field `image`")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_UPLOAD + ENVELOPE:
        raise _too_large()  # before reading any of it
    try:
        async with asyncio.timeout(SLOWEST):
            form = await InMemory(request.headers, body, max_files=1, max_fields=4).parse()
    except MultiPartException as error:
        raise HTTPException(400, error.message) from error
    except TimeoutError as error:
        raise HTTPException(408, f"the upload took more than {SLOWEST:.0f} s") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the upload was interrupted") from error
    try:
        file = form.get("image")
        if not isinstance(file, UploadFile):
            raise HTTPException(400, "the form has no file field `image`")
        content = await file.read()
    finally:
        await form.close()
    if len(content) > MAX_UPLOAD:
        raise _too_large()
    return content
