"""Accounts that the database refuses, and tables that it keeps locked."""

from typing import Final

from hoplab.drill.means.place import MARK, Kept, Kind, Place
from hoplab.errors import SourceError

UNIT: Final = f"{MARK}-table.service"
LONGEST: Final = "900"
"""Seconds after which a table is free again should nobody undo it."""


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


LOCK_ACCOUNT: Final = Kind(_lock_account, _unlock_account, _hosts, frozenset({"account"}))
LOCK_TABLE: Final = Kind(_lock_table, _unlock_table, options=frozenset({"table"}), choices=frozenset({"seconds"}))
