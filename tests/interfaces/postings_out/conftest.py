"""The same desk as of the engine's tests."""

from tests.extracts.conftest import desk, make_desk  # noqa: F401  fixtures
