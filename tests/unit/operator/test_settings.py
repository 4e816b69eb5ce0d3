"""The environment as settings."""

import pytest
from ink_common.environ import variables
from ink_operator.settings import Secrets, Settings, parse_settings


def test_nothing_set_gives_the_defaults() -> None:
    assert parse_settings({}) == Settings()


def test_every_setting_is_a_variable_of_its_name() -> None:
    fields = {*Settings.__dataclass_fields__, *Secrets.__dataclass_fields__} - {"secrets"}
    assert set(variables(Settings)) == {f"INK_{name.upper()}" for name in fields}


def test_values_are_parsed_and_secrets_stay_out_of_texts() -> None:
    settings = parse_settings(
        {
            "INK_RUN_POOL": '{"nodeSelector": {"a": "b"}}',
            "INK_DENIED_CIDRS": "1.2.3.0/24, 2001::/16",
            "INK_APPS_PORT": "8443",
            "INK_BUILDKIT_KEY": "hush",
        }
    )
    assert settings.run_pool.node_selector == {"a": "b"}
    assert settings.denied_cidrs == ("1.2.3.0/24", "2001::/16")
    assert settings.url_port == ":8443"
    assert settings.secrets.buildkit_key == "hush"
    assert "hush" not in repr(settings)


def test_a_wrong_value_names_its_variable() -> None:
    with pytest.raises(ValueError, match="INK_APPS_PORT"):
        parse_settings({"INK_APPS_PORT": "http"})
