"""Services that are stopped, and processes that stand still or are killed."""

from typing import Final

from hoplab.drill.means.place import MARK, Kept, MeansKind, Place

LISTENS: Final = 'for _ in $(seq 60); do ss -tlnH "sport = :$1" | grep -q . && exit; sleep 0.5; done; exit 1'
"""Waits half a minute for a port on which somebody listens."""


def _active(place: Place) -> Kept:
    """Keep which units run: a service's unit may be a pattern."""
    argv = ("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "--", place.service.unit)
    return {"units": " ".join(line.split()[0] for line in place.ask(*argv).splitlines())}


def _stop(place: Place) -> None:
    place.ask("systemctl", "stop", "--", place.service.unit)


def _start(place: Place, kept: Kept) -> None:
    if kept["units"]:
        begin(place, "start", *kept["units"].split())


def begin(place: Place, verb: str, *units: str) -> None:
    """Start or restart units, however often that was done before: systemd gives up on what is started too often."""
    place.holds("systemctl", "reset-failed", "--", *units)
    place.ask("systemctl", verb, "--", *units)
    if place.service.port:
        # An API takes its time to listen, and one that does not listen is another fault. It may be the fault, though.
        place.holds("sh", "-c", LISTENS, MARK, str(place.service.port))


def _freeze(place: Place) -> None:
    place.ask("systemctl", "kill", "--signal=SIGSTOP", "--", place.service.unit)


def _thaw(place: Place, _kept: Kept) -> None:
    place.ask("systemctl", "kill", "--signal=SIGCONT", "--", place.service.unit)


def _replace(place: Place, _kept: Kept) -> None:
    """Start again what stands still: some services do not go on by themselves, since others gave them up meanwhile."""
    # systemd wakes what it ends (systemd.kill(5): SIGCONT comes right after SIGTERM).
    begin(place, "restart", place.service.unit)


def _program(place: Place) -> Kept:
    path = place.ask("sh", "-c", 'command -v "$1"', MARK, place.options["process"]).strip()
    return {"path": path, "mode": place.ask("stat", "--format=%a", path).strip()}


def _kill_process(place: Place) -> None:
    """Kill a service's helper for good: nobody may start it any more, for the service would do that at once."""
    place.ask("chmod", "0644", _program(place)["path"])
    place.ask("pkill", "--signal", "KILL", "--exact", place.options["process"])


def _permit_process(place: Place, kept: Kept) -> None:
    place.ask("chmod", kept["mode"], kept["path"])
    # It starts its helpers when it starts; when it looks for dead ones would be up to a minute later.
    begin(place, "restart", place.service.unit)


def _shift_clock(place: Place) -> None:
    """Have a service see another time than its node: nodes in containers share one clock, which can't be set."""
    library = place.ask("sh", "-c", "ls /usr/lib/*/faketime/libfaketime.so.1").strip()
    text = f"[Service]\nEnvironment=LD_PRELOAD={library} FAKETIME={place.options['seconds']}s\n"
    place.write(_drop_in(place), text)
    _restart(place)


def _right_clock(place: Place, _kept: Kept) -> None:
    place.ask("rm", "--force", _drop_in(place))
    _restart(place)


def _drop_in(place: Place) -> str:
    return f"/run/systemd/system/{place.service.unit}.d/{MARK}.conf"


def _restart(place: Place) -> None:
    place.ask("systemctl", "daemon-reload")
    begin(place, "restart", place.service.unit)


STOP: Final = MeansKind(_stop, _start, _active)
FREEZE: Final = MeansKind(_freeze, _thaw)
HANG: Final = MeansKind(_freeze, _replace)
KILL_PROCESS: Final = MeansKind(_kill_process, _permit_process, _program, frozenset({"process"}))
SHIFT_CLOCK: Final = MeansKind(_shift_clock, _right_clock, options=frozenset({"seconds"}))
