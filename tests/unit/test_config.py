"""Settings: each field is an environment variable, and a wrong one is named."""

from dataclasses import MISSING, FrozenInstanceError, asdict, fields

import pytest

from relay.config import Settings, SettingsError

REQUIRED = {field.name.upper(): f"the {field.name}" for field in fields(Settings) if field.default is MISSING}


def test_every_field_is_the_variable_of_its_name_in_capitals() -> None:
    samples: dict[object, str | int] = {"int": 7, "bool": True}
    values = {field.name: samples.get(field.type, field.name) for field in fields(Settings)}
    environment = {name.upper(): str(value).lower() for name, value in values.items()}

    settings = Settings.from_environment(environment)

    assert asdict(settings) == values
    assert [type(value) for value in asdict(settings).values()] == [type(value) for value in values.values()]


def test_what_has_a_default_may_be_missing() -> None:
    settings = Settings.from_environment({**REQUIRED, "PATH": "/bin"})

    assert (settings.submit_timeout, settings.allow_loopback, settings.public_url) == (20, False, "")
    assert settings.tasks_table == "the tasks_table"


@pytest.mark.parametrize("name", REQUIRED)
def test_what_has_no_default_is_asked_for_by_name(name: str) -> None:
    environment = {key: value for key, value in REQUIRED.items() if key != name}

    with pytest.raises(SettingsError, match=name.lower()):
        Settings.from_environment(environment)


@pytest.mark.parametrize("value", ["1.5", "-1", "x", " 5", "0x10", "1_000"])
def test_a_number_is_a_whole_one(value: str) -> None:
    with pytest.raises(SettingsError, match="SUBMIT_TIMEOUT must be a whole number"):
        Settings.from_environment({**REQUIRED, "SUBMIT_TIMEOUT": value})


@pytest.mark.parametrize("value", ["True", "1", "yes", "TRUE", "on"])
def test_a_switch_is_true_or_false(value: str) -> None:
    with pytest.raises(SettingsError, match="ALLOW_LOOPBACK must be true or false"):
        Settings.from_environment({**REQUIRED, "ALLOW_LOOPBACK": value})


def test_a_switch_can_be_off() -> None:
    assert Settings.from_environment({**REQUIRED, "ALLOW_LOOPBACK": "false"}).allow_loopback is False


def test_an_empty_variable_is_a_missing_one() -> None:
    empty = {"SUBMIT_TIMEOUT": "", "ALLOW_LOOPBACK": "", "PUBLIC_URL": ""}

    assert Settings.from_environment({**REQUIRED, **empty}) == Settings.from_environment(REQUIRED)
    with pytest.raises(SettingsError, match="tasks_table"):
        Settings.from_environment({**REQUIRED, "TASKS_TABLE": ""})


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings.from_environment(REQUIRED).submit_timeout = 5  # type: ignore[misc]


@pytest.mark.parametrize("name", ["PUBLIC_URL", "PROVIDER_URL"])
def test_a_base_url_may_end_with_slashes(name: str) -> None:
    settings = Settings.from_environment({**REQUIRED, name: "https://example.com/base//"})
    assert getattr(settings, name.lower()) == "https://example.com/base"
