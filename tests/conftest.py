"""Settings that all tests share."""

import pytest
from hypothesis import settings

# Failures in a shared helper show their values as those in a test file do.
pytest.register_assert_rewrite("tests.contract")

# Few examples, the same in every run: CI is fast and repeatable. For a longer search:
#   pytest --hypothesis-profile thorough
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--update-golden"))
