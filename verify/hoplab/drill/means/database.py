"""Accounts that the database refuses, tables that it keeps locked or has not, and a database that takes no changes."""

from typing import Final

from hoplab.drill.means.place import MARK, Kept, MeansKind, Place
from hoplab.model.errors import SourceError

UNIT: Final = f"{MARK}-table.service"
LONGEST: Final = "900"
"""Seconds after which a table is free again should nobody undo it."""
ASIDE: Final = "_hoplab_drill"
"""How the name of a table ends that is set aside."""


def _sql(place: Place, statement: str) -> str:
    return place.ask("mariadb", "--batch", "--skip-column-names", "--execute", statement)


def _hosts(place: Place) -> Kept:
    account = place.options["account"]
    hosts = _sql(place, f"SELECT Host FROM mysql.user WHERE User = '{account}'").split()
    if not hosts:
        raise SourceError(f"{place.node.name}: the database has no account {account}")
    return {"hosts": " ".join(hosts)}


def _lock_account(place: Place) -> None:
    account = place.options["account"]
    for host in _hosts(place)["hosts"].split():
        _sql(place, f"ALTER USER '{account}'@'{host}' ACCOUNT LOCK; KILL CONNECTION USER '{account}'@'{host}'")


def _unlock_account(place: Place, kept: Kept) -> None:
    for host in kept["hosts"].split():
        _sql(place, f"ALTER USER '{place.options['account']}'@'{host}' ACCOUNT UNLOCK")


def _lock_table(place: Place) -> None:
    """Lock a table against readers and writers."""
    seconds = place.options.get("seconds", LONGEST)
    hold = f"LOCK TABLES {place.options['table']} WRITE; DO SLEEP({seconds})"
    place.ask("systemd-run", f"--unit={UNIT}", "--collect", "--quiet", "mariadb", "--execute", hold)


def _unlock_table(place: Place, _kept: Kept) -> None:
    # Its connection ends with it, and with that the lock. Status 5: it is not there, which is well.
    place.holds("systemctl", "stop", "--", UNIT)


def _read_only(place: Place) -> Kept:
    return {"value": _sql(place, "SELECT @@GLOBAL.read_only").strip()}


def _take_no_changes(place: Place) -> None:
    """Refuse all changes, as a replica does, or a node that a cluster has set aside; those that wait end first."""
    _sql(place, "SET GLOBAL read_only = 1")


def _take_changes(place: Place, kept: Kept) -> None:
    _sql(place, f"SET GLOBAL read_only = {kept['value']}")


def _lose_rows(place: Place) -> None:
    """Have an empty table where there was a full one."""
    table = place.options["table"]
    _sql(place, f"RENAME TABLE {table} TO {table}{ASIDE}; CREATE TABLE {table} LIKE {table}{ASIDE}")


def _find_rows(place: Place, _kept: Kept) -> None:
    _back(place, place.options["table"], f"DROP TABLE IF EXISTS {place.options['table']}; ")


def _lose_table(place: Place) -> None:
    table = place.options["table"]
    _sql(place, f"RENAME TABLE {table} TO {table}{ASIDE}")


def _find_table(place: Place, _kept: Kept) -> None:
    _back(place, place.options["table"])


def _back(place: Place, table: str, first: str = "") -> None:
    """Give a table its name back, if it is set aside."""
    schema, _, name = table.partition(".")
    if _sql(place, f"SHOW TABLES FROM {schema} LIKE '{name}{ASIDE}'").strip():
        _sql(place, f"{first}RENAME TABLE {table}{ASIDE} TO {table}")


LOCK_ACCOUNT: Final = MeansKind(_lock_account, _unlock_account, _hosts, frozenset({"account"}))
LOCK_TABLE: Final = MeansKind(_lock_table, _unlock_table, options=frozenset({"table"}), choices=frozenset({"seconds"}))
READ_ONLY: Final = MeansKind(_take_no_changes, _take_changes, _read_only)
LOSE_ROWS: Final = MeansKind(_lose_rows, _find_rows, options=frozenset({"table"}))
LOSE_TABLE: Final = MeansKind(_lose_table, _find_table, options=frozenset({"table"}))
