"""What somebody may have meant."""

from slipway_steps.domain.nearest import nearest


def test_a_name_that_is_like_one_is_asked_for() -> None:
    assert nearest("p98 ms", ["p99 ms", "requests/s"]) == "did you mean p99 ms?"
    assert nearest("CPU", ["cpu", "cpus"]) == "did you mean cpu?"


def test_nothing_is_guessed_where_nothing_is_like_it() -> None:
    assert nearest("zzz", ["p99 ms"]) == nearest("a", []) == ""
