"""What a cloud can show: kinds of sources are read and refused by name, and each witness has one."""

from dataclasses import replace
from pathlib import Path

import pytest

from hoplab.flow import sources as kinds_of_sources
from hoplab.flow.loader import load, load_all
from hoplab.flow.model import Alternative, Witness
from hoplab.flow.sources import load_sources, source_kinds, sources_of
from hoplab.flow.visibility import check_sources, narrowed
from hoplab.judge.order import is_last
from hoplab.judge.told import Told, least_verdict, read_told, write_told
from hoplab.judge.verdicts import Verdict
from hoplab.model.errors import ConfigurationError
from samples.flows import GOOD, write
from samples.less import GOOD_IDS, INFO, LEVELS
from samples.runs import CATALOGUE

PAGE = Path(kinds_of_sources.__file__).with_name("sources.yaml").read_text(encoding="utf-8")
ALTERNATIVE = """    alternatives:
      - because: It is enough.
        evidence:
          - {who: client, event: http.sent, by: [request]}
    hint: {at: nova-api"""


class TestKindsOfSources:
    """The file that says what each gives."""

    def test_every_witness_comes_from_one(self) -> None:
        for catalogue in load_all().values():
            check_sources(catalogue)

    def test_a_witness_of_none_is_named(self) -> None:
        hop = CATALOGUE.hops["poll-request"]
        lost = replace(hop, evidence=(*hop.evidence, Witness("qemu", "log.said", {"fact": ("lost",)}, ("instance",))))
        with pytest.raises(ConfigurationError, match=r"hop poll-request: evidence 3: no kind of source.*sources\.yaml"):
            check_sources(replace(CATALOGUE, hops={**CATALOGUE.hops, "poll-request": lost}))

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("source: console", "source: client", ["source client is there twice"]),
            ("    level: 0\n", "    level: 5\n", ["sources: entry 1: level"]),
            ("    undone: nothing is changed\n", "", ["entry 1", "undone"]),
            ("of: [client]", "of: [clients]", ["entry 1", "of", "clients"]),
            ("of: [client]", "of: [client], but: [guest]", ["source client: gives 1: but", "remove"]),
            ("events: [console.said]", "events: [console.heard]", ["entry 2", "console.heard"]),
            ("{region: [keystone]}", "{place: [keystone]}", ["source cache-watch: gives 1: where", "no place"]),
            ("{to: [dnsmasq-log], ids:", "{to: [dnsmasq], ids:", ["source debug-log: adds 1: to", "no source dnsmasq"]),
            ("{to: [dnsmasq-log], ids: [address", "{to: [dnsmasq-log], ids: [volume", ["adds 1: ids", "no volume"]),
            ("{to: [broker-trace], fields: [caller]}", "{to: [socket-owners], fields: [caller]}", ["gives no events"]),
        ],
    )
    def test_what_is_not_plainly_right_is_refused(self, tmp_path: Path, old: str, new: str, said: list[str]) -> None:
        assert old in PAGE
        path = tmp_path / "sources.yaml"
        path.write_text(PAGE.replace(old, new, 1))
        with pytest.raises(ConfigurationError) as caught:
            load_sources(path)
        for part in ("sources.yaml", *said):
            assert part in str(caught.value)

    def test_a_source_that_there_is_not_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="no kind of source 'luck'"):
            narrowed(CATALOGUE, ("client", "luck"), GOOD_IDS)

    def test_a_sender_is_known_by_account_or_by_process(self) -> None:
        read = next(one for one in CATALOGUE.hops["conductor-read"].alternatives[0].evidence if one.who == "database")
        for more, known in (((), ()), (("daemon-accounts",), ("general-log",)), (("socket-owners",), ("general-log",))):
            kinds = {name: source_kinds()[name] for name in ("general-log", *more)}
            assert sources_of(read, kinds) == known


class TestHops:
    """A journey as a cloud can show it."""

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("after: [ask]", "after: [ask]\n    despite: {answer: So it is.}", ["hop answer: despite", "answer"]),
            (
                "by: [request]}\n    one",
                "by: [request], late: [never]}\n    one",
                ["hop answer: evidence", "no hop never"],
            ),
            ("    hint: {at: nova-api", ALTERNATIVE.replace("request", "token"), ["alternatives 1: evidence 1: by"]),
            ("    hint: {at: nova-api", ALTERNATIVE.replace("because", "since"), ["hop ask: alternatives", "because"]),
        ],
    )
    def test_a_wrong_hop_is_named(self, tmp_path: Path, old: str, new: str, said: list[str]) -> None:
        assert GOOD.count(old) == 1
        with pytest.raises(ConfigurationError) as caught:
            load(write(tmp_path, hops=GOOD.replace(old, new)))
        for part in said:
            assert part in str(caught.value)

    def test_another_set_of_witnesses_is_read(self, tmp_path: Path) -> None:
        hops = load(write(tmp_path, hops=GOOD.replace("    hint: {at: nova-api", ALTERNATIVE))).hops
        assert hops["ask"].alternatives == (
            Alternative((Witness("client", "http.sent", {}, ("request",)),), "It is enough."),
        )

    def test_of_several_sets_that_counts_of_which_most_actors_are_shown(self) -> None:
        hop = narrowed(CATALOGUE, INFO, GOOD_IDS).hops["volume-reservation"]
        assert {witness.who for witness in hop.evidence} == {"cinder-api", "database"}
        assert {witness.who for witness in hop.hidden} == {"nova-api"}

    def test_what_is_tied_by_a_message_alone_needs_one_that_tells_whose_it_is(self) -> None:
        hop = narrowed(CATALOGUE, (*INFO, "messaging-log"), GOOD_IDS).hops["schedule-cast"]
        assert hop.evidence == ()
        assert least_verdict(hop) is Verdict.NOT_OBSERVABLE

    def test_what_may_have_been_cached_counts_for_nothing_where_that_is_not_shown(self) -> None:
        hop = narrowed(CATALOGUE, INFO, GOOD_IDS).hops["image-request"]
        assert hop.evidence
        assert hop.unexcused
        assert least_verdict(hop) is Verdict.NOT_OBSERVABLE

    def test_an_unknown_host_hides_what_names_it(self) -> None:
        for known, shown in ((GOOD_IDS, 1), (GOOD_IDS - {"host"}, 0)):
            assert len(narrowed(CATALOGUE, INFO, known).hops["image-request"].evidence) == shown
        assert narrowed(CATALOGUE, LEVELS["level 2"], GOOD_IDS - {"host"}).hops["image-request"].evidence

    def test_an_id_is_learnt_in_another_way_where_the_first_is_not_shown(self) -> None:
        bare = GOOD_IDS - {"port", "mac", "address"}
        for level, event in (("level 0", "db.statement"), ("level 0, no database", "http.served")):
            lessons = narrowed(CATALOGUE, LEVELS[level], bare).lessons
            assert next(lesson.kinds for lesson in lessons if lesson.name == "port") == (event,)

    def test_the_last_witness_of_several_shows_that_all_happened(self) -> None:
        request, object_request = CATALOGUE.hops["server-request"].evidence, CATALOGUE.hops["object-request"].evidence
        assert is_last([("nova-api", "http.served")], request)
        assert not is_last([("client", "http.sent")], request)
        # The same kind by two actors: the one says nothing of the other.
        assert not is_last([("glance-api", "http.served")], object_request)


class TestTold:
    """What was told before a launch, as a run keeps it."""

    def test_it_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        told = Told("lab", 2, ("client", "broker-trace"), {"poll-request": Verdict.SEEN})
        write_told(told, tmp_path)
        assert read_told(tmp_path) == told

    def test_a_run_without_it_is_judged_by_all_evidence(self, tmp_path: Path) -> None:
        assert read_told(tmp_path) is None

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ('"client"', '"luck"', "sources.0: there is no kind of source 'luck'"),
            ('"seen"', '"weak"', "hops.poll-request"),
            ('"level": 2', '"level": 9', "level"),
            ('"schema": 1', '"schema": 2', "schema"),
        ],
    )
    def test_a_damaged_one_is_refused(self, tmp_path: Path, old: str, new: str, said: str) -> None:
        write_told(Told("lab", 2, ("client",), {"poll-request": Verdict.SEEN}), tmp_path)
        text = (tmp_path / "told.json").read_text()
        assert old in text
        (tmp_path / "told.json").write_text(text.replace(old, new))
        with pytest.raises(ConfigurationError, match=r"told\.json: .*") as caught:
            read_told(tmp_path)
        assert said in str(caught.value)
