"""How faults are put in and undone, kind by kind."""

from collections.abc import Mapping
from typing import Final

from hoplab.drill.means import api, broker, database, packets, processes, settings, storage
from hoplab.drill.means.place import Kept, MeansKind, Place

__all__ = ["KINDS", "Kept", "MeansKind", "Place"]

KINDS: Final[Mapping[str, MeansKind]] = {
    "stop": processes.STOP,
    "freeze": processes.FREEZE,
    "hang": processes.HANG,
    "kill-process": processes.KILL_PROCESS,
    "shift-clock": processes.SHIFT_CLOCK,
    "lose": packets.LOSE,
    "cut-bridge": packets.CUT_BRIDGE,
    "slow-link": packets.SLOW_LINK,
    "lock-account": database.LOCK_ACCOUNT,
    "lock-table": database.LOCK_TABLE,
    "take-rights": broker.TAKE_RIGHTS,
    "unbind": broker.UNBIND,
    "wrong-key": storage.WRONG_KEY,
    "suspend-owner": storage.SUSPEND_OWNER,
    "undefine-secret": storage.UNDEFINE_SECRET,
    "fill": storage.FILL,
    "override": settings.OVERRIDE,
    "rewrite": settings.REWRITE,
    "endpoint": settings.ENDPOINT,
    "read-only": database.READ_ONLY,
    "lose-rows": database.LOSE_ROWS,
    "lose-table": database.LOSE_TABLE,
    "memory-alarm": broker.ALARM,
    "limit-caps": storage.LIMIT_CAPS,
    "fill-pool": storage.FILL_POOL,
    "forbid": storage.FORBID,
    "shrink-link": packets.SHRINK_LINK,
    "policy": settings.POLICY,
    "rename-host": settings.RENAME_HOST,
    "quota": api.QUOTA,
    "disable-service": api.DISABLE_SERVICE,
    "take-roles": api.TAKE_ROLES,
    "close-egress": api.CLOSE_EGRESS,
    "switch-off-dhcp": api.SWITCH_OFF_DHCP,
    "claim": api.CLAIM,
}
"""By the name that drill files use."""
