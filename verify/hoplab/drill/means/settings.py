"""Services that are told something wrong: in their own settings, or in the catalogue of the cloud."""

from typing import Final

from hoplab.drill.means.cover import cover_file, uncover
from hoplab.drill.means.place import MARK, Kept, MeansKind, Place
from hoplab.drill.means.processes import begin
from hoplab.lab.connection import connect, identity_api, new_request_id, translate_errors
from hoplab.model.errors import SourceError

NOWHERE: Final = 1
"""A port on which nobody listens."""
ELSEWHERE: Final = "-elsewhere"
"""How a node's wrong name ends."""


def _file(place: Place) -> str:
    # Of a directory's files the last one has the last word.
    return f"{place.options['directory'].rstrip('/')}/zz-{MARK}.conf"


def _override(place: Place) -> None:
    text = f"[{place.options['section']}]\n{place.options['option']} = {place.options['value']}\n"
    place.write(_file(place), text)
    begin(place, "restart", place.service.unit)


def _restore(place: Place, _kept: Kept) -> None:
    place.ask("rm", "--force", _file(place))
    begin(place, "restart", place.service.unit)


def _rewrite(place: Place) -> None:
    """Give an option another value in a file, where the service reads no directory of them.

    With a section it is given there, whether it was there or not; else wherever it is.
    """
    option, value, section = place.options["option"], place.options["value"], place.options.get("section")
    change = f"s|^{option} *=.*|{option} = {value}|"
    if section:
        change = f"/^\\[{section}\\]/,/^\\[/{{/^{option} *=/d}}; /^\\[{section}\\]/a {option} = {value}"
    cover_file(place, place.options["file"], change)
    begin(place, "restart", place.service.unit)


def _restore_file(place: Place, _kept: Kept) -> None:
    uncover(place, place.options["file"])
    begin(place, "restart", place.service.unit)


def _find_endpoint(place: Place) -> Kept:
    with translate_errors("ask Keystone for its catalogue"):
        keystone = identity_api(connect(place.deployment, new_request_id()))
        for service in keystone.services(type=place.options["type"]):
            for endpoint in keystone.endpoints(service_id=service.id, interface=place.options["interface"]):
                return {"id": str(endpoint.id), "url": str(endpoint.url)}
    raise SourceError(f"the catalogue has no {place.options['interface']} endpoint of {place.options['type']}")


def _misdirect_endpoint(place: Place) -> None:
    kept = _find_endpoint(place)
    scheme, _, rest = kept["url"].partition("://")
    host, path = rest.partition("/")[0].partition(":")[0], rest.partition("/")[2]
    _set_endpoint_url(place, kept["id"], f"{scheme}://{host}:{NOWHERE}/{path}")


def _restore_endpoint(place: Place, kept: Kept) -> None:
    _set_endpoint_url(place, kept["id"], kept["url"])


def _set_endpoint_url(place: Place, endpoint: str, url: str) -> None:
    with translate_errors("change an endpoint"):
        identity_api(connect(place.deployment, new_request_id())).update_endpoint(endpoint, url=url)


OVERRIDE: Final = MeansKind(_override, _restore, options=frozenset({"directory", "section", "option", "value"}))


def _policy_file(place: Place) -> str:
    return f"{place.options['directory'].rstrip('/')}/zz-{MARK}.yaml"


def _refuse(place: Place) -> None:
    """Have a service's policy let nobody do something."""
    place.write(_policy_file(place), f'"{place.options["rule"]}": "!"\n')
    begin(place, "restart", place.service.unit)


def _permit(place: Place, _kept: Kept) -> None:
    place.ask("rm", "--force", _policy_file(place))
    begin(place, "restart", place.service.unit)


def _agent(place: Place) -> Kept:
    """Keep under which host Neutron knows an agent of a node."""
    with translate_errors("ask for Neutron's agents"):
        for one in connect(place.deployment, new_request_id()).network.agents(binary=place.service.name):
            if one.host.partition(".")[0] == place.node.name.partition(".")[0]:
                return {"host": str(one.host)}
    raise SourceError(f"{place.node.name}: Neutron knows no {place.service.name} of it")


def _rename_host(place: Place) -> None:
    """Have an agent call its node otherwise than Nova does, as if it had always done so."""
    host = _agent(place)["host"]
    place.write(_file(place), f"[DEFAULT]\nhost = {host}{ELSEWHERE}\n")
    begin(place, "restart", place.service.unit)
    _forget(place, host)


def _right_host(place: Place, kept: Kept) -> None:
    _restore(place, kept)
    _forget(place, f"{kept['host']}{ELSEWHERE}")


def _forget(place: Place, host: str) -> None:
    """Have Neutron forget an agent that does not report any more under that host."""
    with translate_errors("have Neutron forget an agent"):
        network = connect(place.deployment, new_request_id()).network
        for agent in list(network.agents(binary=place.service.name, host=host)):
            network.delete_agent(agent)


ENDPOINT: Final = MeansKind(_misdirect_endpoint, _restore_endpoint, _find_endpoint, frozenset({"type", "interface"}))
REWRITE: Final = MeansKind(
    _rewrite, _restore_file, options=frozenset({"file", "option", "value"}), choices=frozenset({"section"})
)
POLICY: Final = MeansKind(_refuse, _permit, options=frozenset({"directory", "rule"}))
RENAME_HOST: Final = MeansKind(_rename_host, _right_host, _agent, frozenset({"directory"}))
