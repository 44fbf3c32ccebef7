"""Records as the services write them into their logs, to be put together in tests, and what is read from them."""

from hashlib import sha256

from hoplab.model.events import Event
from hoplab.parse.oslo import parse_oslo

GLOBAL = "req-11111111-2222-4333-8444-555555555555"
OWN = "req-aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SERVER = "req-99999999-8888-4777-8666-555555555555"
OTHER = "req-99999999-8888-4777-8666-000000000000"
INSTANCE = "8a7d5ebe-0000-4000-8000-000000000001"
IMAGE = "8a7d5ebe-0000-4000-8000-000000000002"
PORT = "8a7d5ebe-0000-4000-8000-000000000003"
VOLUME = "8a7d5ebe-0000-4000-8000-000000000004"
ATTACHMENT = "8a7d5ebe-0000-4000-8000-000000000005"
NETWORK = "8a7d5ebe-0000-4000-8000-000000000006"
MAC = "fa:16:3e:00:00:01"
ADDRESS = "10.77.0.9"
DIGEST = sha256(b"a token").hexdigest()
CONTEXT = f"{GLOBAL} {OWN} user project - - default default"
OF_CONTEXT = ("request", "global-request", "serving")


def record(logger: str, said: str, *, context: str = CONTEXT, pid: int = 3305, at: str = "07:32:09.437") -> str:
    """Return a record in oslo.log's default form. at: the time of a day, in UTC."""
    return f"2026-11-21 {at} {pid} DEBUG {logger} [{context}] {said}\n"


def oslo(*records: str, who: str = "nova-compute") -> list[Event]:
    """Return the events of a service's log that has these records."""
    return list(parse_oslo("".join(records).splitlines(keepends=True), node="ctl1", source="log", who=who))


def ids(event: Event, *, without: tuple[str, ...] = OF_CONTEXT) -> dict[str, set[str]]:
    """Return an event's ids but for some: unless told, for those that its record's context gives it."""
    return {name: set(values) for name, values in event.ids.items() if name not in without}
