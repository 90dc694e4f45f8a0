"""Which scripts are called by their function `main`."""

import pytest
from handler_programs import standalone

script_child = standalone("script_child")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (b"def main(input_paths, /, output_paths, *, job_args): pass", {"input_paths", "output_paths", "job_args"}),
        (b"def main(): pass", set()),
        (b"def other(input_paths): pass", set()),
        (b"class A:\n    def main(self): pass", set()),
        (b"if True:\n    def main(input_paths): pass", set()),
        (b"# coding: latin-1\ndef main(gr\xf6\xdfe): pass", {"größe"}),
        (b"def main(:", set()),
    ],
)
def test_the_parameters_of_main_are_read_without_running_the_file(source: bytes, names: set[str]) -> None:
    assert script_child.parameters_of_main(source) == names
