"""A pair of pipes: whole lines come in their order, and waiting has an end."""

import os
from collections.abc import Iterator

import pytest

from slipway_steps.adapters.handlers.channel import Channel, Closed, TimedOut


@pytest.fixture
def channel() -> Iterator[Channel]:
    made = Channel()
    yield made
    made.close()


def test_lines_come_whole_however_they_are_written(channel: Channel) -> None:
    write = channel.child_ends[1]
    os.write(write, b"one\ntw")
    assert channel.line(1.0) == b"one"
    with pytest.raises(TimedOut):
        channel.line(0.01)
    os.write(write, b"o\nthree\n")
    assert [channel.line(1.0, many=True) for _ in range(2)] == [b"two", b"three"]


def test_an_end_is_seen_on_both_sides(channel: Channel) -> None:
    channel.send(b"asked\n")
    assert os.read(channel.child_ends[0], 100) == b"asked\n"
    channel.close_child_ends()
    with pytest.raises(Closed):
        channel.line(1.0)
    with pytest.raises(Closed):
        channel.send(b"nobody reads this\n")
