"""Fixtures that several test files share."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("gatewise", deadline=None)  # a busy machine is no failure
settings.load_profile("gatewise")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data: ../shared/data is not beside the repository")
    return folder
