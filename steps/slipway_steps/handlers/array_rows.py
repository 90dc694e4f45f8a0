"""The rows of arrays of NumPy, and of Parquet where pyarrow is installed."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slipway_steps.handlers.table import Table

if TYPE_CHECKING:
    import numpy


def read_npy(body: bytes) -> Table | None:
    """The rows of one array: its first axis. None for a single number, an array of objects, and what is no array."""
    import numpy

    array = _load(body)
    if not isinstance(array, numpy.ndarray) or array.ndim == 0:
        return None

    def write(rows: Any) -> bytes:
        file = io.BytesIO()
        numpy.save(file, array[list(rows)], allow_pickle=False)
        return file.getvalue()

    return Table(len(array), write, array.tolist)


def read_npz(body: bytes) -> Table | None:
    """The rows of an archive of arrays that all have as many. The values are those of its only array, else objects."""
    import numpy

    archive = _load(body)
    if not isinstance(archive, Mapping):
        return None
    try:
        arrays = {name: archive[name] for name in archive}
    except Exception:  # as in _load
        return None
    lengths = {len(array) if getattr(array, "ndim", 0) else None for array in arrays.values()}
    length = lengths.pop() if len(lengths) == 1 else None
    if length is None:
        return None

    def write(rows: Any) -> bytes:
        file = io.BytesIO()
        numpy.savez(file, allow_pickle=False, **{name: array[list(rows)] for name, array in arrays.items()})
        return file.getvalue()

    def values() -> list[Any]:
        columns = {name: array.tolist() for name, array in arrays.items()}
        if len(columns) == 1:
            return list(*columns.values())
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    return Table(length, write, values)


def read_parquet(body: bytes) -> Table | None:
    """The rows of a Parquet file as objects; None without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(body))
    except (pyarrow.ArrowException, OSError):
        return None

    def write(rows: Any) -> bytes:
        file = io.BytesIO()
        pyarrow.parquet.write_table(table.take(list(rows)), file)
        return file.getvalue()

    return Table(table.num_rows, write, table.to_pylist)


def _load(body: bytes) -> "numpy.ndarray[Any, Any] | Mapping[str, Any] | None":
    import numpy

    try:
        # allow_pickle=False: a pickle in it could run code in this process
        loaded: numpy.ndarray[Any, Any] | Mapping[str, Any] = numpy.load(io.BytesIO(body), allow_pickle=False)
    except Exception:  # of a damaged file numpy raises errors of Python's tokenizer, of zipfile, of zlib and its own
        return None
    return loaded
