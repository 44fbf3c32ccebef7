"""JUnit: what a CI system counts, and that nothing is green that isn't proved."""

from xml.etree import ElementTree as ET

import pytest

from hoplab.report.junit import render_junit
from samples.reports import BROKEN, CATALOGUE, Document, disordered, document, failed, following, inconclusive, proved

EVIL = "]]></system-out><failure/>&\x1b[31m\x00\ud800"


def suite(xml: str) -> ET.Element:
    root = ET.fromstring(xml.encode())
    assert root.tag == "testsuites"
    (one,) = root
    assert all(one.get(key) == value for key, value in root.items())
    return one


def case(xml: str, name: str) -> ET.Element:
    (found,) = [one for one in suite(xml).findall("testcase") if str(one.get("name")).split()[-1] == name]
    return found


def kinds(one: ET.Element) -> list[str]:
    return [child.tag for child in one if child.tag != "system-out"]


def numbers(xml: str) -> tuple[int, ...]:
    return tuple(int(suite(xml).get(key, "")) for key in ("tests", "failures", "errors", "skipped"))


def test_a_proved_launch_has_a_passing_case_for_each_hop() -> None:
    sample = proved()
    xml = render_junit(sample)
    assert xml.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    assert numbers(xml) == (len(sample["hops"]), 0, 0, 0)
    assert suite(xml).get("name") == "launch-58"
    assert suite(xml).get("time") == "41.200"
    assert suite(xml).get("timestamp") == "2026-11-21T07:31:50"
    properties = {one.get("name"): one.get("value") for one in suite(xml).iter("property")}
    assert properties["run"] == sample["run"]
    assert properties["instance"] == sample["launch"]["instance"]


def test_a_case_says_who_when_and_by_which_lines() -> None:
    sample = proved()
    hop = sample["hops"][0]
    one = case(render_junit(sample), hop["name"])
    assert one.get("classname") == f"{hop['from']} -> {hop['to']}"
    assert one.get("name") == f"{hop['hop']} {hop['name']}"
    assert float(one.get("time", "")) == pytest.approx(0.013 * (len(hop["witnesses"]) - 1), abs=0.002)
    assert all(witness["line"] in one.findtext("system-out", "") for witness in hop["witnesses"])


def test_one_hop_fails_with_all_that_helps_and_those_behind_it_are_skipped() -> None:
    sample = failed()
    xml = render_junit(sample)
    listed = {hop["name"] for hop in sample["hops"]}
    assert numbers(xml) == (len(listed), 1, 0, len(following(BROKEN) & listed))
    found = case(xml, BROKEN).find("failure")
    assert found is not None
    assert str(found.get("message")).startswith("absent: no evidence found: ")
    for text in ["nova-compute.service is active (running)", *sample["failure"]["next"], *sample["failure"]["log"]]:
        assert text in str(found.text)
    skipped = case(xml, "conductor-take").find("skipped")
    assert skipped is not None
    assert BROKEN in str(skipped.get("message"))


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        ("proved", []),
        ("cached", []),
        ("not applicable", ["skipped"]),
        ("weak", ["failure"]),
        ("absent", ["failure"]),
        ("out of order", ["failure"]),
        ("blocked", ["skipped"]),
        ("unknown", ["error"]),
    ],
)
def test_each_verdict(verdict: str, kind: list[str]) -> None:
    assert kinds(case(render_junit(document({"image-request": verdict})), "image-request")) == kind


def test_one_witness_passes_only_where_the_flow_allows_it() -> None:
    single = next(iter(CATALOGUE.hops))

    def allowed(sample: Document) -> Document:
        for hop in sample["hops"]:
            if hop["name"] == single:
                hop |= {"verdict": "weak", "why": "nobody else can see it", "one_witness": True}
        return sample

    for sample in (proved(), inconclusive()):
        assert kinds(case(render_junit(allowed(sample)), single)) == []
    assert "weak: " in case(render_junit(allowed(proved())), single).findtext("system-out", "")
    # Without the document's word on it, only a proved result says that all weak hops are allowed.
    for sample, kind in ((proved(), []), (inconclusive(), ["failure"])):
        for hop in allowed(sample)["hops"]:
            del hop["one_witness"]
        assert kinds(case(render_junit(sample), single)) == kind


def test_a_verdict_of_another_day_is_not_green() -> None:
    sample = proved()
    sample["hops"][3]["verdict"] = "doubtful"
    assert kinds(case(render_junit(sample), sample["hops"][3]["name"])) == ["error"]


@pytest.mark.parametrize(("result", "kind"), [("failed", "failure"), ("inconclusive", "error")])
def test_a_suite_is_never_green_without_a_proof(result: str, kind: str) -> None:
    sample = proved()
    sample |= {"result": result, "first_unproven": {"hop": None, "name": "not-listed"}}
    sample["failure"] = failed()["failure"] | {"name": "not-listed"}
    xml = render_junit(sample)
    assert kinds(case(xml, "result")) == [kind]
    assert numbers(xml)[0] == len(sample["hops"]) + 1
    assert sum(numbers(xml)[1:3]) == 1


def test_a_failing_hop_is_enough() -> None:
    for sample in (failed(), disordered(), inconclusive()):
        assert numbers(render_junit(sample))[0] == len(sample["hops"])


def test_evidence_is_escaped() -> None:
    sample = failed()
    sample["hops"][0]["witnesses"][0]["line"] += EVIL
    sample["hops"][0]["why"] += EVIL
    sample["failure"]["log"] = [EVIL]
    xml = render_junit(sample)
    assert "]]></system-out><failure/>&␛[31m␀\ufffd" in case(xml, sample["hops"][0]["name"]).findtext("system-out", "")
    assert numbers(xml)[1] == 1


def test_a_hop_that_is_several_steps_is_one_case() -> None:
    sample = document(flow="cli-28")
    assert numbers(render_junit(sample))[0] == sum(sample["counts"].values()) < len(sample["hops"])
