"""Settings of a forecasting training, and its presets."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from components.settings import Settings
from gatewise.reading import Reading

Names = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: [given] if isinstance(given, str) and given else given)
]
Mark = Annotated[
    str, BeforeValidator(lambda given: "," if given == [] else {"tab": "\t", "\\t": "\t"}.get(given, given))
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
    non_negative: bool = Field(False, description="counts and amounts: no quantile falls below zero")
    time_column: Names = Field((), description="column with the time, or date and clock; by usual names when empty")
    series_column: Names = Field((), description="columns that tell series apart in a long table, as store,item")
    value_columns: Names = Field((), description="columns to forecast; by their usual names when empty")
    extra_columns: Names = Field((), description="further columns the network sees of the past")
    files: str = Field("", description="which files of a folder, as a pattern; the commonest layout when empty")
    time_format: str = Field("", description="how times are written, as %d.%m.%Y %H:%M; found when empty")
    dayfirst: bool | None = Field(None, description="whether 01/02/2020 is in February; found when not given")
    separator: Mark = Field("", max_length=1, description="between the fields of a text table; found when empty")
    decimal: Mark = Field("", pattern=r"^[.,]?$", description="mark before a fraction; found when empty")
    thousands: Mark = Field("", max_length=1, description="mark between groups of three digits; found when empty")
    encoding: str = Field("", description="of a text table that is not UTF-8; guessed when empty")
    missing: Names = Field((), description="further texts and numbers that mean no value, as -999")
    tickers: Names = Field((), description="for yfinance, as Yahoo spells them")
    period: str = Field("5y", pattern=r"^(\d+(d|wk|mo|y)|ytd|max)$", description="for yfinance: how far back")
    interval: str = Field("1d", pattern=r"^\d+(m|h|d|wk|mo)$", description="for yfinance: time between prices")

    training_only: ClassVar[frozenset[str]] = Settings.training_only | {"windows_per_epoch"}

    def reading(self) -> Reading:
        """What the settings say of how tables are written."""
        return Reading(
            separator=self.separator,
            decimal=self.decimal,
            thousands=self.thousands,
            encoding=self.encoding,
            missing=self.missing,
            time_format=self.time_format,
            dayfirst=self.dayfirst,
        )

    @field_validator("decimal")
    @classmethod
    def _one_mark_for_one_thing(cls, given: str, info: ValidationInfo) -> str:
        if given and given == info.data.get("separator"):
            raise ValueError("decimal and separator cannot be the same")
        return given

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
