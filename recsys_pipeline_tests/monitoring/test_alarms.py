"""Alarms: their names, levels and JSON."""

import pytest

from recsys_pipeline.monitoring.alarms import (
    Alarm,
    alarms_from_json,
    alarms_to_json,
    availability_alarms,
    guardrail_alarms,
)


def test_alarms_come_back_as_they_were() -> None:
    alarms = (
        Alarm.of("movies_genres_shifted", "movies.genres", "Drame 20 % after 10 %: “é”."),
        Alarm.of("interactions_volume", "interactions.rows", "Half of them."),
    )
    assert [alarm.level for alarm in alarms] == ["warning", "error"]
    assert alarms_from_json(alarms_to_json(alarms)) == alarms
    assert alarms_from_json(alarms_to_json(())) == ()


def test_a_check_that_is_not_known_raises_no_alarm() -> None:
    with pytest.raises(KeyError, match="something_odd"):
        Alarm.of("something_odd", "", "")


def test_availability_is_missed_where_it_is_sure() -> None:
    (alarm,) = availability_alarms(0.99, 0.999, low=0.985, high=0.995)
    assert (alarm.check, alarm.level) == ("availability_missed", "error")
    assert "99.000%" in alarm.text
    assert availability_alarms(0.998, 0.999, low=0.99, high=0.9995) == ()
    nothing = float("nan")
    assert availability_alarms(nothing, 0.999, low=nothing, high=nothing) == ()


def test_each_broken_guardrail_is_an_alarm() -> None:
    (alarm,) = guardrail_alarms([("home/new churn_rate", "Twice as many leave.")])
    assert (alarm.check, alarm.subject) == ("guardrail_broken", "home/new churn_rate")
