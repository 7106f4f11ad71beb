"""Settings of a forecasting training, and its presets."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from components.settings import Settings

Names = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: [given] if isinstance(given, str) and given else given)
]


class Config(Settings):
    """Settings of a forecasting training. Zero and "auto" mean: decided from the data, and said in the log."""

    context: int = Field(0, ge=0, le=4_096, description="rows looked back on; 0: by the frequency")
    horizon: int = Field(0, ge=0, le=1_024, description="rows to forecast; 0: by the frequency")
    quantiles: tuple[float, ...] = Field((0.1, 0.25, 0.5, 0.75, 0.9), description="shares, ascending, 0.5 among them")
    season: int = Field(0, ge=0, le=2_048, description="rows of the cycle; 0: by the frequency")
    anchor: Literal["auto", "last", "seasonal", "mean"] = Field("auto", description="what forecasts are measured from")
    transform: Literal["auto", "level", "log"] = Field("auto", description="log for prices: changes in per cent")
    calendar: bool = Field(True, description="whether the network sees time of day, day of week, time of year")
    fill_limit: int = Field(3, ge=0, le=1_000, description="missing rows in a row that are filled; more cut a series")
    validation_share: float = Field(0.1, gt=0, lt=0.5, description="share of all rows, by time, to choose on")
    test_share: float = Field(0.2, gt=0, lt=0.5, description="share of all rows, the latest, to test on")
    stride: int = Field(0, ge=0, le=1_024, description="rows between the test's forecasts; 0: one horizon")
    protocol: Literal["own", "lstnet", "ett"] = Field("own", description="split and metrics of a published comparison")
    windows_per_epoch: int = Field(0, ge=0, description="training windows drawn per epoch; 0: all")
    time_column: str = Field("", description="column with the time; found by its usual names when empty")
    series_column: str = Field("", description="column that tells series apart, in a long table")
    value_columns: Names = Field((), description="columns to forecast; by their usual names when empty")
    extra_columns: Names = Field((), description="further columns the network sees of the past")
    files: str = Field("", description="which files of a folder, as a pattern; the commonest layout when empty")
    tickers: Names = Field((), description="for yfinance, as Yahoo spells them")
    period: str = Field("5y", pattern=r"^(\d+(d|wk|mo|y)|ytd|max)$", description="for yfinance: how far back")
    interval: str = Field("1d", pattern=r"^\d+(m|h|d|wk|mo)$", description="for yfinance: time between prices")

    training_only: ClassVar[frozenset[str]] = Settings.training_only | {"windows_per_epoch"}

    @field_validator("quantiles")
    @classmethod
    def _ascending(cls, given: tuple[float, ...]) -> tuple[float, ...]:
        if list(given) != sorted(set(given)) or 0.5 not in given or not 0 < given[0] <= given[-1] < 1:
            raise ValueError("quantiles must ascend, lie between 0 and 1 and include 0.5")
        return given


PRESETS = {
    "tiny": Config(
        context=48, horizon=12, units=24, epochs=4, batch_size=64, learning_rate=5e-3, windows_per_epoch=4_000
    ),
    "base": Config(
        units=32, dropout=0.3, epochs=10, batch_size=128, learning_rate=1e-3, weight_decay=0.01, patience=4,
        windows_per_epoch=12_800,
    ),
    "large": Config(
        units=96, layers=2, dropout=0.4, epochs=40, batch_size=128, learning_rate=1e-3, weight_decay=0.02, patience=8,
        windows_per_epoch=25_600,
    ),
}  # fmt: skip
