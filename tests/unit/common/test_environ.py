"""Settings out of an environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_common import environ
from ink_common.environ import SettingsError
from ink_gateway.settings import parse_settings as parse_gateway
from ink_git.settings import parse_settings as parse_git
from ink_logs.settings import parse_settings as parse_logs
from ink_operator.settings import parse_settings as parse_operator
from ink_resolver.settings import parse_settings as parse_resolver
from unit.common.example import Example

ENOUGH = {"INK_NAME": "n", "INK_INNER_KEY": "k" * 32}


def test_defaults_and_texts_become_values() -> None:
    least = environ.read(Example, ENOUGH)
    assert (least.name, least.port, least.hosts, least.inner.key) == ("n", 8080, (), "k" * 32)
    assert (least.maybe, least.level) == (None, "low")
    given = {
        "INK_PORT": " 81 ",
        "INK_HOSTS": "a, b,,c",
        "INK_MAYBE": "2.5",
        "INK_OTHER_NAME": "yes",
        "INK_LABELS": "a=b,c=",
        "INK_ADDRESS": "https://x/",
        "INK_LEVEL": "high",
        "INK_LISTED": '{"a": 1}',
    }
    most = environ.read(Example, {**ENOUGH, **given})
    assert (most.port, most.hosts, most.maybe, most.on) == (81, ("a", "b", "c"), 2.5, True)
    assert (most.labels, most.address, most.level) == ({"a": "b", "c": ""}, "https://x", "high")
    assert most.listed == {"a": 1}


def test_an_empty_variable_is_an_unset_one() -> None:
    assert environ.read(Example, {**ENOUGH, "INK_PORT": "", "INK_LEVEL": "  "}) == environ.read(Example, ENOUGH)


def test_all_problems_are_reported_together() -> None:
    wrong = {
        "INK_PORT": "99999",
        "INK_MAYBE": "nan",
        "INK_OTHER_NAME": "perhaps",
        "INK_LABELS": "a",
        "INK_ADDRESS": "ftp://x",
        "INK_LEVEL": "highest",
        "INK_LISTED": "[]",
        "INK_INNER_KEY": "hush",
        "INK_INNER_COUNT": "0",
    }
    with pytest.raises(SettingsError) as caught:
        environ.read(Example, wrong)
    assert str(caught.value).split("; ") == [
        "INK_NAME is not set",
        "INK_INNER_KEY: expected at least 32 characters",
        "INK_INNER_COUNT is '0': expected a whole number, 1 or more",
        "INK_PORT is '99999': expected a whole number from 0 to 65535",
        "INK_MAYBE is 'nan': expected a number, 0 or more",
        "INK_OTHER_NAME is 'perhaps': expected true or false",
        "INK_LABELS is 'a': expected key=value,key=value",
        "INK_ADDRESS is 'ftp://x': expected an http:// or https:// URL",
        "INK_LEVEL is 'highest': expected one of low, high",
        "INK_LISTED is '[]': expected a JSON object",
    ]


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(SettingsError) as caught:
        environ.read(Example, {**ENOUGH, "INK_PORT": "9" * 1000})
    assert len(str(caught.value)) < 200


def test_secrets_are_taken_as_they_are() -> None:
    key = " " + "k" * 32 + "\n"
    assert environ.read(Example, {**ENOUGH, "INK_INNER_KEY": key}).inner.key == key


def test_every_variable_is_named() -> None:
    assert environ.variables(Example) == (
        *("INK_NAME", "INK_INNER_KEY", "INK_INNER_COUNT", "INK_PORT", "INK_HOSTS", "INK_MAYBE", "INK_OTHER_NAME"),
        *("INK_LABELS", "INK_ADDRESS", "INK_LEVEL", "INK_LISTED"),
    )


@given(st.dictionaries(st.sampled_from(environ.variables(Example)), st.text(max_size=100)))
def test_whatever_is_given_is_read_or_refused_with_a_reason(values: dict[str, str]) -> None:
    problem = ""
    try:
        environ.read(Example, values)
    except SettingsError as error:
        problem = str(error)
    assert not problem or "INK_" in problem


@pytest.mark.parametrize("parse", [parse_gateway, parse_git, parse_logs, parse_operator, parse_resolver])
def test_no_program_shows_a_secret(parse: object) -> None:
    names = ("GIT_SIGNING_KEY", "GIT_ADMIN_TOKEN", "INTERNAL_TOKEN", "ENV_DIGEST_KEY", "REGISTRY_PASSWORD")
    names = (*names, "BUILD_LOGS_TOKEN", "DATABASE_URL", "BOOTSTRAP_API_KEY", "BUILDKIT_KEY", "REGISTRY_TOKEN_KEY")
    given = {f"INK_{name}": "hush" for name in names} | {"INK_PORT": "x", "INK_PUBLIC_PORT": "x", "INK_APPS_PORT": "x"}
    with pytest.raises(SettingsError) as caught:
        parse(given)  # type: ignore[operator]
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("module", ["environ", "public_addresses", "startup"])
def test_the_standard_library_is_enough(module: str) -> None:
    """`-S` and `-E`: no installed package is found."""
    path = next(p for p in sys.path if os.path.isdir(os.path.join(p, "ink_common")))  # noqa: PTH112, PTH118
    code = f"import sys; sys.path.append({path!r}); import ink_common.{module}"
    subprocess.run([sys.executable, "-S", "-E", "-c", code], check=True)
