import pytest
from steps.release.fakes import Memory


@pytest.fixture
def memory() -> Memory:
    return Memory()
