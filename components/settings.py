"""Typed, bounded settings: what every application's training shares, and how text from a command line becomes them."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.errors import SettingError


class Settings(BaseModel):
    """Settings that every training has; an application adds its own by inheriting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, ge=0, description="seed of every random choice: split, initial weights, order, augmentation")
    units: int = Field(64, ge=1, le=4096, description="units of each GRU layer")
    layers: int = Field(1, ge=1, le=8, description="GRU layers on top of each other")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of activations dropped while training")
    epochs: int = Field(1, ge=1, le=10_000, description="passes over the training part at the most")
    batch_size: int = Field(32, ge=1, le=65_536, description="sequences per step")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="peak of the cosine schedule")
    weight_decay: float = Field(0.0, ge=0, le=1, description="decoupled weight decay of AdamW")
    patience: int = Field(3, ge=1, description="epochs without a better validation loss before training stops")

    training_only: ClassVar[frozenset[str]] = frozenset(
        {"units", "layers", "dropout", "epochs", "batch_size", "learning_rate", "weight_decay", "patience"}
    )  # fields that cannot change what ingest and preprocess write; an application may add its own

    def changed(self, values: Mapping[str, Any]) -> Self:
        """These settings with `values` in place of their own, checked.

        Raises:
            SettingError: a name that does not exist or a value out of bounds.
        """
        for name in values:
            if name not in type(self).model_fields:
                near = get_close_matches(name, type(self).model_fields, n=1)
                hint = f"did you mean '{near[0]}'?" if near else "choose from " + ", ".join(type(self).model_fields)
                raise SettingError(f"unknown setting '{name}': {hint}")
        try:
            return type(self).model_validate(self.model_dump() | dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"])) or "settings"
            raise SettingError(f"setting '{name}' = {first['input']!r}: {first['msg']}") from None

    def data_fields(self) -> dict[str, Any]:
        """The settings that decide what ingest and preprocess write, as plain JSON values."""
        return self.model_dump(mode="json", exclude=set(self.training_only))


def parse_assignments(pairs: Iterable[str]) -> dict[str, Any]:
    """Settings from `key=value` texts; a value with commas becomes a list.

    Raises:
        SettingError: a text without '='.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise SettingError(f"'{pair}' is not a setting: write key=value, for example epochs=3")
        values[key.strip()] = [part.strip() for part in value.split(",") if part.strip()] if "," in value else value
    return values
