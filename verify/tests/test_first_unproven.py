"""Which hop is named where a launch failed: the one at which it broke, and not one that only shows it."""

from dataclasses import replace

from hoplab.judge.verdicts import Verdict
from samples.made_runs import BY_NAME, HOPS, LAUNCH, RUN, WHOLE, follows, judged, verdicts, without


def test_where_a_launch_failed_a_request_that_came_nowhere_is_named() -> None:
    lost = {name for name in HOPS if follows(name, "server-request")}
    gone = [event for name in lost for event in BY_NAME[name].witnesses]
    gone += [event for event in BY_NAME["server-request"].witnesses if event.who != "client"]
    after = judged(without(gone))
    assert verdicts(after)["server-request"] is Verdict.WEAK
    assert after.first_unproven is not None
    assert after.first_unproven.hop.name == "server-request"


def test_a_hop_seen_by_one_side_is_not_named_while_what_it_waits_for_is_missing() -> None:
    asked = next(event for event in BY_NAME["disk-map-request"].witnesses if event.kind == "command.run")
    left = without([asked, *BY_NAME["object-read"].witnesses, *BY_NAME["disk-import"].witnesses])
    judgement = judged(left)
    assert verdicts(judgement)["disk-map-request"] is Verdict.WEAK
    assert judgement.first_unproven is not None
    assert judgement.first_unproven.hop.name == "object-read"
    there = judged(without([asked, *BY_NAME["object-read"].witnesses]))
    assert there.first_unproven is not None
    assert there.first_unproven.hop.name == "disk-map-request"


def test_a_guest_that_is_still_booting_is_not_what_broke_a_launch() -> None:
    # The recording ends before a slow guest has read its volume; QEMU has asked for the map long since.
    lost = {name for name in HOPS if follows(name, "state-reply") or follows(name, "guest-dhcp")}
    late = [event for event in RUN if event.who == "guest" or event.kind == "disk.used"]
    gone = [event for name in lost for event in BY_NAME[name].witnesses] + late
    judgement = judged(without([*gone, *BY_NAME["guest-dhcp"].witnesses, *BY_NAME["state-reply"].witnesses]))
    assert verdicts(judgement)["volume-map-request"] is Verdict.WEAK
    assert judgement.first_unproven is not None
    assert judgement.first_unproven.hop.name == "state-reply"


def test_a_launch_that_failed_is_judged_by_the_first_host_that_tried() -> None:
    began = min(event.time for event in BY_NAME["build-cast"].witnesses)
    cut = min(event.time for event in BY_NAME["object-request"].witnesses)
    first = [one for one in RUN if one.time < cut or one.who in {"client", "nova-api"} or one.ids.get("poll-request")]
    again = [
        replace(event, time=event.time + 500, fields={**event.fields, "host": "cmp2", "routing_key": "compute.cmp2"})
        for event in RUN
        if event.time >= began and event.who not in {"client", "nova-api"} and not event.ids.get("poll-request")
    ]
    alone, both = (
        judged(first, replace(LAUNCH, failed=True)),
        judged([*first, *again], replace(LAUNCH, failed=True)),
    )
    assert verdicts(both) == verdicts(alone)
    assert both.first_unproven is not None
    assert verdicts(judged([*first, *again])) != verdicts(alone)


def test_a_client_that_got_no_answer_is_told_the_ids_by_others() -> None:
    ids = {name: some for name, some in LAUNCH.ids.items() if name not in {"request", "instance"}}
    assert verdicts(judged(RUN, replace(LAUNCH, ids=ids))) == verdicts(WHOLE)


def test_the_broker_s_account_may_be_noted_late() -> None:
    late = BY_NAME["l2-ready"].witnesses
    end = BY_NAME["port-active"].end
    assert end is not None
    for seconds, verdict in ((0.2, Verdict.PROVED), (0.3, Verdict.OUT_OF_ORDER)):
        moved = [replace(event, time=end + seconds) for event in late if event.kind == "rpc.published"]
        others = [event for event in late if event.kind != "rpc.published"]
        shifted = [replace(event, time=end + 0.6) for event in others]
        assert verdicts(judged([*without(late), *moved, *shifted]))["port-active"] is verdict
