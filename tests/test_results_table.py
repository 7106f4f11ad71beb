"""The table that a run ends with: every number whole at any usual width of a terminal."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from components.registry import get
from flows.tables import Result, results_table

VARIANTS = {"onnx": 5_062_221, "onnx-int8": 1_322_473, "tflite-int8": 1_510_768}


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    """A model that loses to a baseline with a long name, and one that wins."""
    monkeypatch.chdir("/")
    return [
        Result(
            get(name),
            "embedded",
            {"metric": metric, "value": 1.4821, "baseline": baseline, "baseline_value": 1.1997, "beats_baseline": wins},
            {variant: {"bytes": count} for variant, count in VARIANTS.items()},
            0.05,
            Path(f"/runs/{name}/tiny-embedded-1a2b3c4d/evaluate/report.md"),
        )
        for name, metric, baseline, wins in (
            ("text_generation", "nats_per_character", "9-gram", False),
            ("forecasting", "pinball", "repeat_last_recent_volatility", True),
        )
    ]


def printed(results: list[Result], width: int) -> list[str]:
    """The table's lines."""
    console = Console(width=width, file=StringIO(), color_system=None)
    console.print(results_table(results))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_nothing_is_cut_off(results: list[Result], width: int) -> None:
    lines = printed(results, width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert "…" not in text
    assert text.count("1.4821") == text.count("1.1997") == text.count("0.05") == 2
    assert all(f"{variant} {count:,}" in text for variant, count in VARIANTS.items())
    at = next(line for line in lines if "report" in line).index("report")
    assert "".join(line[at:].strip() for line in lines).count(
        "runs/forecasting/tiny-embedded-1a2b3c4d/evaluate/report.md"
    )


def test_who_wins_stands_beside_the_models_number(results: list[Result]) -> None:
    text = "\n".join(printed(results, 120))
    assert "1.4821 loses" in text
    assert "1.4821 wins" in text
