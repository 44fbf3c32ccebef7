"""Traces: a span for each hop, times that are exact, and what OTLP's and Chrome's formats ask of them."""

import base64
import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from hoplab.report.otlp import render_otlp, traces_data
from hoplab.report.outline import happened, read
from hoplab.report.perfetto import NOWHERE, render_perfetto
from hoplab.report.trace import Span, nanoseconds, trace
from samples.hostile import hostile
from samples.reports import BROKEN, Document, disordered, failed, following, inconclusive, proved
from samples.run_reports import recorded_report

RUNS = ("cold", "warm", "failed", "interleaved", "volume-attach/proved")
MADE: dict[str, Callable[[], Document]] = {
    "proved": proved,
    "failed": failed,
    "inconclusive": inconclusive,
    "disordered": disordered,
    "hostile": lambda: dict(hostile(failed())),
}
REPORTS: dict[str, Callable[[], Document]] = {
    **MADE,
    **{f"recorded {name}": partial(recorded_report, name) for name in RUNS},
}


NO_IDS = re.compile(r'"(?:traceId|spanId|parentSpanId)":"[0-9a-f]+",?')


def spans(document: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the spans of OTLP/JSON, each with its resource's attributes."""
    for resource in json.loads(render_otlp(document))["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield span, attributes(resource["resource"])


def attributes(carrier: dict[str, Any]) -> dict[str, Any]:
    found = carrier.get("attributes", [])
    keys = [one["key"] for one in found]
    assert len(set(keys)) == len(keys), "keys must be unique"
    return {one["key"]: next(iter(one["value"].values()), "") for one in found}


def hop_span(document: Document, name: str) -> Span:
    return next(span for span in trace(document).hops if span.attributes["hoplab.hop"] == name)


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2026-11-27T01:46:51.001Z", 1795744011001000000),
            ("2026-11-27T02:46:51.001+01:00", 1795744011001000000),
            ("2099-12-31T23:59:59.999999Z", 4102444799999999000),
        ],
    )
    def test_are_exact_to_the_nanosecond(self, text: str, wanted: int) -> None:
        assert nanoseconds(text) == wanted

    def test_a_float_would_not_do(self) -> None:
        text = "2026-11-27T01:46:51.001Z"
        assert int(datetime.fromisoformat(text).timestamp() * 1e9) != nanoseconds(text)

    def test_a_witness_has_its_nodes_time_and_the_span_ours(self) -> None:
        sample = copy.deepcopy(proved())
        hop = sample["hops"][5]
        witness = hop["witnesses"][0]
        sample["clocks"] = {witness["node"]: {"offset": 2.5, "uncertainty": 0.001}}
        behind = {**witness, "time": "2026-11-21T08:00:02.500Z"}
        hop["witnesses"] = [behind]
        hop["at"], hop["end"] = "2026-11-21T08:00:00.000Z", "2026-11-21T08:00:00.000Z"
        found = hop_span(sample, hop["name"])
        assert found.begin == found.sightings[0].time == nanoseconds(hop["at"])
        assert found.sightings[0].attributes["hoplab.time"] == behind["time"]

    def test_what_a_cut_time_moves_out_of_its_span_is_moved_back_and_no_more(self) -> None:
        sample = copy.deepcopy(proved())
        hop = sample["hops"][5]
        node = hop["witnesses"][0]["node"]
        begin = nanoseconds(hop["at"])
        for offset, wanted in ((0.0004, 0), (0.0014, -1_400_000)):
            sample["clocks"] = {node: {"offset": offset, "uncertainty": 0.001}}
            assert hop_span(sample, hop["name"]).sightings[0].time - begin == wanted

    @pytest.mark.parametrize("name", REPORTS)
    def test_every_witness_of_a_recorded_hop_is_in_its_span(self, name: str) -> None:
        made = trace(REPORTS[name]())
        for span in made.hops:
            if span.status == "ok" and span.seen:
                late = [each.name for each in span.sightings if not span.begin <= each.time <= span.end]
                assert late == [], span.name

    @pytest.mark.parametrize("far", [-1e12, 1e12])
    def test_a_clock_that_is_off_by_ages_makes_no_time_that_there_is_not(self, far: float) -> None:
        sample = copy.deepcopy(failed())
        sample["clocks"] = {node: {"offset": far, "uncertainty": 0.0} for node in sample["clocks"]}
        sample["duration_s"] = far
        assert 0 <= hop_span(sample, "token-request").sightings[0].time < 1 << 63
        assert ParseDict(json.loads(NO_IDS.sub("", render_otlp(sample))), TracesData()).resource_spans
        for hop in sample["hops"]:
            hop |= {"at": None, "end": None}
        whole = trace(sample).whole
        assert 0 <= whole.begin <= whole.end < 1 << 63


@pytest.mark.parametrize("name", REPORTS)
class TestTrace:
    def test_it_is_the_same_at_any_time(self, name: str) -> None:
        document = REPORTS[name]()
        again = json.loads(json.dumps(document))
        assert render_otlp(document) == render_otlp(again)
        assert render_perfetto(document) == render_perfetto(again)

    def test_there_is_a_span_for_each_hop_and_one_for_the_journey(self, name: str) -> None:
        document = read(REPORTS[name]())
        found = Counter(attributes(span).get("hoplab.hop", "") for span, _resource in spans(document))
        assert found == Counter(["", *(hop["name"] for hop in document["hops"])])
        whole = next(span for span, _resource in spans(document) if "parentSpanId" not in span)
        assert whole["name"] == document.get("journey", "launch")
        for span, _resource in spans(document):
            assert span is whole or span.get("parentSpanId", whole["spanId"]) == whole["spanId"]
            assert whole["startTimeUnixNano"] <= span["startTimeUnixNano"] <= span["endTimeUnixNano"]
            assert span["endTimeUnixNano"] <= whole["endTimeUnixNano"]

    def test_ids_and_links_hold_together(self, name: str) -> None:
        document = read(REPORTS[name]())
        ids = {attributes(span).get("hoplab.hop", ""): span["spanId"] for span, _resource in spans(document)}
        assert len(set(ids.values())) == len(ids)
        for span, _resource in spans(document):
            hop = next((hop for hop in document["hops"] if hop["name"] == attributes(span).get("hoplab.hop")), None)
            wanted = [ids[earlier] for earlier in hop["after"] if earlier in ids] if hop else []
            assert [link["spanId"] for link in span.get("links", [])] == wanted
            assert {link["traceId"] for link in span.get("links", [])} <= {span["traceId"]}

    def test_a_verdict_is_a_status(self, name: str) -> None:
        document = read(REPORTS[name]())
        codes = {attributes(span).get("hoplab.hop", ""): span.get("status", {}) for span, _resource in spans(document)}
        for hop in document["hops"]:
            status = codes[hop["name"]]
            if hop["verdict"] in {"blocked", "unknown", "not applicable"}:
                assert status == {}
            elif happened(hop, document):
                assert status == {"code": 1}
            else:
                assert status["code"] == 2
                assert status["message"].startswith(f"{hop['verdict']}: ")
        wanted = {"proved": 1, "failed": 2, "inconclusive": 0}
        assert codes[""].get("code", 0) == wanted[document["result"]]

    def test_evidence_and_ids_are_there(self, name: str) -> None:
        document = read(REPORTS[name]())
        found = {attributes(span).get("hoplab.hop", ""): (span, resource) for span, resource in spans(document)}
        for hop in document["hops"]:
            span, resource = found[hop["name"]]
            said = [attributes(event) for event in span.get("events", [])]
            lines = [one["line"] for one in (*hop["witnesses"], *hop.get("denials", []))]
            assert [one.get("hoplab.line", "") for one in said] == lines
            assert [one["hoplab.denies"] for one in said].count(True) == len(hop.get("denials", []))
            assert resource["service.name"] == hop["from"]
            own = [witness["node"] for witness in hop["witnesses"] if witness["who"] == hop["from"]]
            assert not own or resource["host.name"] == own[0]
            told = attributes(span)
            for witness in hop["witnesses"]:
                kind, _equals, value = witness["id"].partition("=")
                own_ids = told.get(f"hoplab.id.{kind}", "")
                assert value in (
                    [one["stringValue"] for one in own_ids["values"]] if isinstance(own_ids, dict) else own_ids
                )
        launch = document["launch"]
        if launch["instance"]:
            assert attributes(found[""][0])["hoplab.id.instance"] == launch["instance"]

    def test_otlp_is_what_the_protocol_says(self, name: str) -> None:
        """Ids are hexadecimal, enums numbers, times texts: in all else it is protobuf's JSON, and has no other key."""
        document = REPORTS[name]()
        text = render_otlp(document)
        assert text.isascii()
        assert text.count("\n") == 1, "a file of OTLP/JSON has one message on a line"
        found = json.loads(text)
        for resource in found["resourceSpans"]:
            for span in resource["scopeSpans"][0]["spans"]:
                assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
                assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
                assert span["kind"] in {1, 3}
                times = [span["startTimeUnixNano"], span["endTimeUnixNano"]]
                times += [event["timeUnixNano"] for event in span.get("events", [])]
                assert all(re.fullmatch("[0-9]{19}", time) for time in times)
                for carrier in (span, *span.get("links", [])):
                    for key in ("traceId", "spanId", "parentSpanId"):
                        if key in carrier:
                            carrier[key] = base64.b64encode(bytes.fromhex(carrier[key])).decode()
        assert ParseDict(found, TracesData()) == traces_data(document)
        assert len(ParseDict(found, ExportTraceServiceRequest()).resource_spans) == len(found["resourceSpans"])

    def test_slices_of_a_thread_lie_beside_or_in_each_other(self, name: str) -> None:
        events = json.loads(render_perfetto(REPORTS[name]()))["traceEvents"]
        threads: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for event in events:
            if event["ph"] == "X":
                threads.setdefault((event["pid"], event["tid"]), []).append(event)
        for slices in threads.values():
            assert all(first["ts"] + first["dur"] <= second["ts"] for first, second in pairwise(slices))
        named = {(one["pid"], one["tid"]): one["args"]["name"] for one in events if one["name"] == "thread_name"}
        assert {(one["pid"], one["tid"]) for one in events if one["ph"] != "M"} <= set(named)
        assert len(set(named)) == sum(one["name"] == "thread_name" for one in events)

    def test_arrows_lead_from_slice_to_slice(self, name: str) -> None:
        document = read(REPORTS[name]())
        events = json.loads(render_perfetto(document))["traceEvents"]
        slices = [event for event in events if event["ph"] == "X"]
        begins = {event["id"]: event for event in events if event["ph"] == "s"}
        ends = {event["id"]: event for event in events if event["ph"] == "f"}
        assert begins.keys() == ends.keys()
        named = {hop["name"] for hop in document["hops"]}
        links = {(earlier, hop["name"]) for hop in document["hops"] for earlier in hop["after"] if earlier in named}
        drawn = set()
        for key, begin in begins.items():
            assert begin["ts"] <= ends[key]["ts"]
            assert [begin[word] for word in ("cat", "name")] == [ends[key][word] for word in ("cat", "name")]
            drawn.add((_under(slices, begin), _under(slices, ends[key])))
        assert drawn <= links
        if document["result"] == "proved":
            assert len(drawn) > 0.9 * len(links)


def _under(slices: list[dict[str, Any]], arrow: dict[str, Any]) -> str:
    """Return the hop of the slice to which an end of an arrow is bound."""
    (found,) = (
        one
        for one in slices
        if (one["pid"], one["tid"]) == (arrow["pid"], arrow["tid"])
        and one["ts"] <= arrow["ts"] < one["ts"] + one["dur"]
    )
    return str(found["args"]["hop"])


def test_another_list_or_run_is_another_trace() -> None:
    made = {trace(recorded_report("cold", 0, flow)).trace_id for flow in ("launch-58", "cli-28", "deck-17")}
    made |= {trace(recorded_report("interleaved", number)).trace_id for number in (0, 1)}
    assert len(made) == 5
    assert trace(recorded_report("cold")).trace_id in made


def test_what_was_not_seen_stands_behind_what_it_must_follow() -> None:
    made = {span.attributes["hoplab.hop"]: span for span in trace(failed()).hops}
    broken = made[BROKEN]
    assert (broken.seen, broken.status, broken.begin) == (False, "error", broken.end)
    before = [span for span in made.values() if span.span_id in broken.links]
    assert broken.begin >= max(span.end for span in before)
    for name in following(BROKEN) & made.keys():
        assert (made[name].seen, made[name].status) == (False, "unset")


def test_a_launch_without_any_hop_has_the_time_of_its_recording() -> None:
    sample = copy.deepcopy(failed())
    for hop in sample["hops"]:
        hop |= {"at": None, "end": None, "witnesses": [], "verdict": "blocked"}
    made = trace(sample)
    assert (made.whole.begin, made.whole.end) == (
        nanoseconds(sample["started"]),
        nanoseconds(sample["started"]) + 41_200_000_000,
    )
    assert {span.begin for span in made.hops} == {made.whole.begin}
    processes = {
        event["args"]["name"]
        for event in json.loads(render_perfetto(sample))["traceEvents"]
        if event["name"] == "process_name"
    }
    assert processes == {NOWHERE}


def test_witnesses_are_instants_where_they_were_seen() -> None:
    document = read(recorded_report("cold"))
    events = json.loads(render_perfetto(document))["traceEvents"]
    nodes = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    found = Counter((nodes[event["pid"]], event["args"]["line"]) for event in events if event["ph"] == "i")
    assert found == Counter((one["node"], one["line"]) for hop in document["hops"] for one in hop["witnesses"])
