"""Choices made for the user: said in the log, kept once each."""

import logging

import pytest

from components.data.choices import Choice, as_json, chose, collected, doubt


def test_choices_are_kept_in_order_and_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="components"), collected() as kept:
        chose("separator", "';'")
        doubt("date form", "day first; set dayfirst=false if it is not")
        chose("separator", "';'")
    assert kept == [
        Choice("separator", "';'"),
        Choice("date form", "day first; set dayfirst=false if it is not", True),
    ]
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.WARNING]
    assert as_json(kept)[1]["doubtful"]


def test_nothing_is_kept_where_nobody_asks() -> None:
    chose("separator", "';'")
    with collected() as kept:
        pass
    assert kept == []
