"""Every role says in meta/argument_specs.yml what it takes, and its defaults are those that it says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from passed import SHARED_ROLES

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Roles that others include by the name of a task file or a template have nothing of their own to take.
NAMES = sorted({path.parts[-3] for path in ROLES.glob("*/tasks/main.yml")} - SHARED_ROLES)
SECRET_WORDS = {"password", "passwords", "secret", "secrets", "key", "keys", "cookie"}
PUBLIC_WORDS = {"public", "uuid", "uuids", "rounds", "directory", "path", "file"}
# The contents of a list or mapping are described one by one, or the whole of it is a secret.
HOLD_SECRETS = ("keystone_catalogue", "mariadb_accounts", "rabbitmq_accounts", "node_container_nodes")


def read(role: str, part: str) -> dict[str, Any]:
    path = ROLES / role / part / ("argument_specs.yml" if part == "meta" else "main.yml")
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def options_of(role: str) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = read(role, "meta")["argument_specs"]["main"].get("options", {})
    return options


def defaults_of(role: str) -> dict[str, Any]:
    return read(role, "defaults") if (ROLES / role / "defaults" / "main.yml").exists() else {}


def templated(value: object) -> bool:
    return "{{" in str(value) or "{%" in str(value)


def all_options(options: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return (name, description) of options and of the options in them."""
    found = []
    for name, option in options.items():
        found.append((name, option))
        found += [(f"{name}.{inner}", value) for inner, value in all_options(option.get("options", {}))]
    return found


def test_there_are_roles() -> None:
    assert len(NAMES) > 20


DERIVED = {"client_external_gateway"}
"""Options whose value, if none is given, is made where they are used, from one that is required.

As a default it would be read before the role's variables are checked, and where that one is missing too, the role
would stop at this default and not name what is missing.
"""


@pytest.mark.parametrize("role", NAMES)
def test_each_default_is_declared_with_its_value(role: str) -> None:
    options = options_of(role)
    for name, value in defaults_of(role).items():
        assert name in options, f"{name} is missing in {role}/meta/argument_specs.yml"
        assert not options[name].get("required"), f"{name} has a default and is required"
        if templated(value):
            assert "default" not in options[name], f"{name}: the default is a template, so the spec has none"
        else:
            assert options[name].get("default") == value, f"{name}: the defaults of spec and role differ"


@pytest.mark.parametrize("role", NAMES)
def test_each_option_is_required_or_has_a_default(role: str) -> None:
    defaults = defaults_of(role)
    for name, option in options_of(role).items():
        known = option.get("required") or name in defaults or name in DERIVED
        assert known, f"{name} is neither required nor in {role}/defaults"
        assert name in defaults or "default" not in option, f"{name}: a default of the spec alone is never applied"


@pytest.mark.parametrize("role", NAMES)
def test_each_option_has_description_and_type(role: str) -> None:
    for name, option in all_options(options_of(role)):
        assert option.get("description"), f"{role}: {name} has no description"
        assert option.get("type"), f"{role}: {name} has no type"
        if option["type"] == "list":
            assert option.get("elements"), f"{role}: {name} does not say what it is a list of"


@pytest.mark.parametrize("role", NAMES)
def test_secrets_are_not_logged(role: str) -> None:
    for name, option in all_options(options_of(role)):
        words = set(name.rpartition(".")[2].split("_"))
        if words & SECRET_WORDS and not words & PUBLIC_WORDS:
            assert option.get("no_log") is True, f"{role}: {name} is a secret without no_log"
        if name in HOLD_SECRETS:
            inner = [entry for entry in option.get("options", {}).values() if entry.get("no_log")]
            assert option.get("no_log") or inner, f"{role}: {name} holds secrets; none of its options has no_log"


@pytest.mark.parametrize("role", NAMES)
def test_each_variable_is_the_roles_own_or_the_clouds(role: str) -> None:
    own = (f"{role}_", "cloud_")
    allowed = {"management_address"}  # every node has one, whatever its roles
    foreign = [name for name in options_of(role) if not name.startswith(own) and name not in allowed]
    assert not foreign, f"{role} takes variables of others: {foreign}"


@pytest.mark.parametrize("role", NAMES)
def test_each_variable_that_a_role_reads_is_declared(role: str) -> None:
    declared = set(options_of(role))
    # What a role sets for itself, and its secrets' and files' names, which are no variables.
    texts = [
        path.read_text()
        for part in ("tasks", "handlers", "templates", "vars", "defaults")
        for path in files(role, part)
    ]
    used = {name for text in texts for name in re.findall(r"(?<![\w./-])cloud_\w+", text)}
    assert used <= declared, f"{role} reads what its argument_specs don't declare: {sorted(used - declared)}"


def files(role: str, part: str) -> list[Path]:
    return [path for path in (ROLES / role / part).rglob("*") if path.is_file()]
