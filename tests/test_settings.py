"""Settings: checked when they are changed, and read from `key=value` texts."""

from typing import ClassVar

import pytest
from pydantic import ValidationError

from components.errors import SettingError
from components.registry import get, names
from components.settings import Settings, parse_assignments


class Config(Settings):
    columns: tuple[str, ...] = ()
    embedding: int = 8
    training_only: ClassVar[frozenset[str]] = Settings.training_only | {"embedding"}


def test_texts_from_a_command_line_become_typed_values():
    changed = Config().changed(parse_assignments(["epochs=3", "learning_rate=1e-2", "columns=open,close"]))
    assert (changed.epochs, changed.learning_rate, changed.columns) == (3, 0.01, ("open", "close"))


def test_a_change_leaves_the_settings_it_came_from_alone():
    before = Config(epochs=2)
    assert before.changed({"epochs": 5}).epochs == 5
    assert before.epochs == 2
    with pytest.raises(ValidationError):
        before.epochs = 9


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "unknown setting 'epoch': did you mean 'epochs'"),
        ({"zzz": 3}, "unknown setting 'zzz': choose from seed, units"),
        ({"epochs": "many"}, "setting 'epochs' = 'many': Input should be a valid integer"),
        ({"epochs": 0}, "setting 'epochs' = 0: Input should be greater than or equal to 1"),
        ({"dropout": 1.0}, "setting 'dropout' = 1.0: Input should be less than 1"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(values, message):
    with pytest.raises(SettingError) as raised:
        Config().changed(values)
    assert message in str(raised.value)


@pytest.mark.parametrize("text", ["epochs", "=3", ""])
def test_a_text_that_is_no_assignment_is_shown(text):
    with pytest.raises(SettingError, match="write key=value"):
        parse_assignments([text])


def test_a_value_may_hold_an_equals_sign():
    assert parse_assignments(["pattern=a=b"]) == {"pattern": "a=b"}


def test_data_fields_hold_what_ingest_and_preprocess_may_read_and_nothing_that_only_training_reads():
    fields = Config().data_fields()
    assert {"seed", "columns"} <= set(fields)
    assert not {"epochs", "units", "embedding"} & set(fields)


@pytest.mark.parametrize("name", names())
def test_every_application_has_the_same_presets_and_an_embedded_source(name):
    app = get(name)
    assert tuple(app.presets) == ("tiny", "base", "large")
    assert app.sources[app.default_source].kind == "embedded"
    assert all(key == source.name for key, source in app.sources.items())
    assert all(source.summary and source.licence for source in app.sources.values())


@pytest.mark.parametrize("name", names())
def test_every_setting_says_what_it_is(name):
    fields = type(get(name).preset("tiny")).model_fields
    assert not [field for field, facts in fields.items() if not facts.description]


def test_an_unknown_application_or_preset_lists_the_known_ones():
    with pytest.raises(SettingError, match="unknown application 'speech': choose from forecasting"):
        get("speech")
    with pytest.raises(SettingError, match="unknown preset 'huge' of sentiment: choose from tiny, base, large"):
        get("sentiment").preset("huge")
