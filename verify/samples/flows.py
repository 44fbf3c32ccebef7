"""A small journey with two hops, as files that tests change."""

from pathlib import Path

import yaml

GOOD = """
hops:
  - hop: ask
    from: client
    to: nova-api
    meaning: The client asks.
    today: {is: same, how: With a POST., source: [a.py]}
    after: []
    evidence:
      - {who: client, event: http.sent, where: {method: POST}, by: [request]}
      - {who: nova-api, event: http.served, where: {path: "/servers/{instance}"}, by: [request, instance]}
    hint: {at: nova-api, run: "grep {instance} log"}
  - hop: answer
    from: nova-api
    to: client
    meaning: The client is told.
    today: {is: gone, how: Not at all., reason: So it is., source: [a.py]}
    after: [ask]
    evidence:
      - {who: client, event: http.answered, by: [request]}
    one_witness: Nobody else sees it.
    hint: {at: client, run: look}
"""
FLOW = "flow: small\ntitle: A small flow\nsteps:\n  - {step: '1', hops: [ask]}\n  - {step: '2', hops: [answer]}\n"


JOURNEY = {
    "journey": "small",
    "main": "small",
    "done": "ACTIVE",
    "known": ["volume"],
    "requests": {"asked": "/servers", "polled": "servers"},
}


def write(directory: Path, hops: str = GOOD, flow: str = FLOW) -> Path:
    """Write a journey of two hops with a flow over them, all right unless told otherwise; return its directory."""
    (directory / "hops").mkdir()
    (directory / "hops" / "1.yaml").write_text(hops)
    (directory / "small.yaml").write_text(flow)
    (directory / "journey.yaml").write_text(yaml.safe_dump(JOURNEY))
    return directory
