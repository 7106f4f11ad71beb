"""Fixtures that several test files share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from absl import logging as absl_logging
from hypothesis import settings

os.environ.setdefault("DO_NOT_TRACK", "1")  # Prefect's client sends nothing, not even from tests
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# When Prefect sets up logging, every handler is closed, and TensorFlow's closes its stream with it unless that is
# Python's own: pytest's captured one would be gone.
absl_logging.get_absl_handler().python_handler.setStream(sys.__stderr__)

settings.register_profile("gatewise", deadline=None)  # a busy machine is no failure
settings.load_profile("gatewise")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that use Prefect last: its threads draw random numbers, for which hypothesis blames its own tests."""
    items.sort(key=lambda item: "prefect_server" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data: ../shared/data is not beside the repository")
    return folder


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server on this machine with a database of its own."""
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect"))
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=240):
        yield str(PREFECT_API_URL.value())


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which runs, artifacts and published bundles appear."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWISE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture(scope="session")
def tiny_bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A hand-made bundle of each application, with known answers; not to be changed in place."""
    import tiny_bundles as build

    folder = tmp_path_factory.mktemp("tiny_bundles")
    return {
        "text_generation": build.text_bundle(folder / "text_generation"),
        "subword": build.text_bundle(folder / "subword", "subword", prompt_token=84),
        "sentiment": build.sentiment_bundle(folder / "sentiment"),
        "forecasting": build.forecasting_bundle(folder / "forecasting"),
        "forecasting_extras": build.forecasting_bundle(folder / "forecasting_extras", ["rain", "wind"]),
        "speech_commands": build.speech_bundle(folder / "speech_commands"),
    }
