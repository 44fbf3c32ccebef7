"""A role reads only what it declares, what it sets itself and what Ansible gives: so it works in anyone's playbook."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, meta, nodes
from passed import SHARED_ROLES

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Those that others include are given variables by them.
NAMES = sorted({path.parts[-3] for path in ROLES.glob("*/tasks/main.yml")} - SHARED_ROLES)
OF_ANSIBLE = {
    "ansible_check_mode",
    "ansible_failed_result",
    "ansible_failed_task",
    "ansible_managed",
    "ansible_playbook_python",
    "dict",
    "inventory_hostname",
    "item",
    "lookup",
    "omit",
    "query",
    "range",
    "role_path",
}
OF_THE_CACHE = {"cloud_memcached_servers", "cloud_memcached_strategy", "cloud_memcached_secret"}
"""What keystone_authtoken does not read for a service that asks Keystone about each token."""
CONDITIONS = ("when", "that", "until", "failed_when", "changed_when")


class Anything(defaultdict[str, Callable[..., str]]):
    """Filters or tests of any name: only names of variables are looked for."""

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> Any:
        del default
        return self[name]


def environment() -> Environment:
    """Ansible's templates, as far as names in them go."""
    found = Environment(autoescape=False)  # nothing is rendered
    vars(found).update(filters=Anything(lambda: str), tests=Anything(lambda: str))
    return found


TEMPLATES = environment()


def texts(value: Any, *, condition: bool = False) -> Iterator[str]:
    """Yield all templates in what stands in a YAML file; conditions are templates without their braces."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, condition=name in CONDITIONS)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, condition=condition)
    elif isinstance(value, str):
        yield f"{{{{ {value} }}}}" if condition and "{{" not in value else value


def given(value: Any) -> Iterator[str]:
    """Yield the names that tasks set for themselves: `vars`, `register`, loop variables, facts."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in {"vars", "ansible.builtin.set_fact"}:
                yield from inner
            if name in {"register", "loop_var", "index_var"}:
                yield inner
            yield from given(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from given(inner)


def of_macros() -> dict[str, set[str]]:
    """Return the shared variables that each macro of oslo.j2 reads, at once or by way of other macros."""
    source = TEMPLATES.parse((ROLES / "service" / "templates" / "oslo.j2").read_text(encoding="utf-8"))
    macros = {macro.name: {name.name for name in macro.find_all(nodes.Name)} for macro in source.find_all(nodes.Macro)}

    def read(name: str) -> set[str]:
        inner = macros[name] & (macros.keys() - {name})
        return macros[name].union(*(read(other) for other in inner))

    return {name: {found for found in read(name) if found.startswith("cloud_")} for name in macros}


MACROS = of_macros()


def names_in(role: str) -> tuple[set[str], set[str]]:
    """Return the names of variables that a role's files read, and those that the role declares or sets."""
    read: set[str] = set()
    known = set(OF_ANSIBLE)
    for path in sorted((ROLES / role).rglob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        match path.relative_to(ROLES / role).parts:
            case ["meta", "argument_specs.yml"]:
                known |= {name for entry in content["argument_specs"].values() for name in entry.get("options", {})}
            case ["meta", _]:
                pass
            case [part, *_]:
                known |= set(given(content)) | (set(content or {}) if part in {"defaults", "vars"} else set())
                for text in texts(content):
                    read |= meta.find_undeclared_variables(TEMPLATES.parse(text))
    for path in sorted((ROLES / role).rglob("*.j2")):
        text = path.read_text(encoding="utf-8")
        read |= meta.find_undeclared_variables(TEMPLATES.parse(text))
        for name, arguments in re.findall(r"\boslo\.(\w+)\(([^}]*)\)", text):
            read |= MACROS[name] - (OF_THE_CACHE if "ask_always=true" in arguments else set())
    return read, known


def test_macros_read_shared_variables() -> None:
    assert MACROS["messaging"] >= {"cloud_messaging_host", "cloud_messaging_passwords"}
    assert MACROS["database"] >= {"cloud_database_host"}


def test_there_is_something_to_find() -> None:
    read, _known = names_in("keystone")
    assert {"keystone_services", "cloud_identity_url"} <= read


@pytest.mark.parametrize("role", NAMES)
def test_a_role_reads_nothing_that_it_does_not_declare(role: str) -> None:
    read, known = names_in(role)
    # What entries of render_files give to their templates is written in expressions, too.
    inline = set(re.findall(r"'(\w+)': ", "".join(p.read_text() for p in (ROLES / role).rglob("*.yml"))))
    assert {name for name in read - known - inline if not name.startswith("__")} == set()
