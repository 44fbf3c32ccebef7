"""What the services and the database say of statements: a lab's lines with its ids replaced, and garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.model.events import Event
from hoplab.parse.sql import template
from hoplab.parse.statements import parse_statements
from samples.service_log import (
    ADDRESS,
    ATTACHMENT,
    IMAGE,
    INSTANCE,
    MAC,
    NETWORK,
    OWN,
    PORT,
    VOLUME,
    ids,
    oslo,
    record,
)

ENGINE = "sqlalchemy.engine.Engine"


def row(text: str, account: str = "nova-conductor", rows: int = 0, affected: int = 1, at: str = "09.438000") -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return (
        f'"2026-11-21 07:32:{at}","{account}[{account}] @  [10.0.0.1]","00:00:00.000545","00:00:00.000265",{rows},1,'
        f'"nova",0,0,1,"{escaped}",49,{affected}\n'
    )


def database(*lines: str) -> list[Event]:
    return list(parse_statements(lines, node="ctl1", source="statements"))


class TestStatementsAsTheServiceNotesThem:
    update = (
        "UPDATE instances SET id=last_insert_id(instances.id), vm_state=%(vm_state)s, task_state=%(task_state)s, "
        "updated_at=%(updated_at)s WHERE instances.deleted = %(deleted_1)s AND instances.uuid = %(uuid_1)s"
    )
    values = (
        "{'vm_state': 'active', 'task_state': None, 'updated_at': datetime.datetime(2026, 11, 21, 7, 32, 9), "
        f"'deleted_1': 0, 'uuid_1': '{INSTANCE}'}}"
    )

    def test_an_update_over_two_records(self) -> None:
        (event,) = oslo(
            record(ENGINE, "BEGIN (implicit)"),
            record(ENGINE, self.update),
            record(ENGINE, f"[cached since 7.1s ago] {self.values}", at="07:32:09.438"),
            record(ENGINE, "COMMIT"),
        )
        assert event.kind == "db.sent"
        assert event.fields == {"verb": "UPDATE", "table": "instances", "state": "active"}
        assert ids(event, without=("statement", "global-request")) == {
            "instance": {INSTANCE},
            "request": {OWN},
            "poll-request": {OWN},
        }
        assert event.time == 1795246329.438

    def test_the_database_has_the_same_digest_and_ids(self) -> None:
        (sent,) = oslo(record(ENGINE, self.update), record(ENGINE, f"[no key 0.1s] {self.values}"))
        text = (
            "UPDATE instances SET id=last_insert_id(instances.id), vm_state='active', task_state=NULL, "
            "updated_at='2026-11-21 07:32:09' WHERE instances.deleted = 0 AND "
            f"instances.uuid = '{INSTANCE}'"
        )
        (noted,) = database(row(text))
        assert noted.ids["statement"] == sent.ids["statement"]
        assert noted.ids["instance"] == sent.ids["instance"]
        assert noted.fields["state"] == "active"

    def test_a_select_over_many_lines(self) -> None:
        select = (
            "SELECT instances.uuid AS a, instances.deleted AS b \nFROM instances \nWHERE instances.uuid = %(uuid_1)s"
        )
        (event,) = oslo(
            record(ENGINE, f"{select} \n LIMIT %(param_1)s"),
            record(ENGINE, f"[generated in 0.0002s] {{'uuid_1': '{INSTANCE}', 'param_1': 1}}"),
        )
        assert event.fields == {"verb": "SELECT", "table": "instances"}
        assert event.ids["instance"] == {INSTANCE}
        (noted,) = database(row(select.replace("%(uuid_1)s", f"'{INSTANCE}'") + " \n LIMIT 1", rows=1))
        assert noted.ids["statement"] == event.ids["statement"]

    def test_each_of_several_rows_counts(self) -> None:
        insert = "INSERT INTO block_device_mapping (instance_uuid, volume_id) VALUES (%(instance_uuid)s, %(volume_id)s)"
        sets = ", ".join(f"{{'instance_uuid': '{INSTANCE}', 'volume_id': '{one}'}}" for one in (VOLUME, IMAGE))
        (event,) = oslo(record(ENGINE, insert), record(ENGINE, f"[generated in 0.1s] [{sets}]"))
        assert event.ids["volume"] == {VOLUME, IMAGE}
        head = "INSERT INTO block_device_mapping (instance_uuid, volume_id) VALUES "
        (noted,) = database(row(f"{head}('{INSTANCE}', '{VOLUME}'),('{INSTANCE}', '{IMAGE}')", affected=2))
        assert noted.ids == {name: event.ids[name] for name in ("instance", "volume", "statement")}

    def test_many_rows_with_the_middle_cut_out(self) -> None:
        head = "INSERT INTO instance_system_metadata (`key`, instance_uuid) VALUES "
        tail = " RETURNING instance_system_metadata.id, instance_system_metadata.id AS id__1"
        said = (
            f"{head}(%(key__0)s, %(instance_uuid__0)s), (%(key__ ... 1853 characters truncated ... __5)s, "
            f"%(instance_uuid__5)s){tail}"
        )
        values = f"{{'key__0': 'a', 'instance_uuid__0': '{INSTANCE}', 'key__1': 'b', 'instance_uuid__1': '{INSTANCE}'}}"
        (event,) = oslo(record(ENGINE, said), record(ENGINE, f"[cached since 7s ago (insertmanyvalues) 1/1] {values}"))
        (noted,) = database(row(f"{head}('a', '{INSTANCE}'), ('b', '{INSTANCE}'){tail}"))
        assert event.ids["instance"] == noted.ids["instance"] == {INSTANCE}
        assert event.ids["statement"] == noted.ids["statement"]

    def test_parameters_of_another_process_are_not_taken(self) -> None:
        assert oslo(record(ENGINE, self.update, pid=1), record(ENGINE, f"[no key 0.1s] {self.values}", pid=2)) == []

    def test_a_quote_in_a_value_moves_nothing(self) -> None:
        insert = "INSERT INTO instances (display_name, uuid) VALUES (%(display_name)s, %(uuid)s)"
        values = f"""{{'display_name': "it's, (odd", 'uuid': '{INSTANCE}'}}"""
        (event,) = oslo(record(ENGINE, insert), record(ENGINE, f"[no key 0.1s] {values}"))
        assert event.ids["instance"] == {INSTANCE}


class TestStatementsAsTheDatabaseNotesThem:
    @pytest.mark.parametrize(("rows", "affected", "kept"), [(0, 0, False), (1, 0, True), (0, 1, True)])
    def test_an_insert_that_the_database_refused_is_no_event(self, rows: int, affected: int, kept: bool) -> None:
        insert = f"INSERT INTO build_requests (instance_uuid) VALUES ('{INSTANCE}')"
        assert bool(database(row(insert, rows=rows, affected=affected))) is kept

    @pytest.mark.parametrize(
        ("text", "fields", "found"),
        [
            (
                f"INSERT INTO build_requests (instance_uuid, instance) VALUES ('{INSTANCE}', "
                f'\'{{\\"uuid\\": \\"{PORT}\\", \\"x\\": \\"a, (b\\"}}\')',
                {"verb": "INSERT", "table": "build_requests"},
                {"instance": {INSTANCE}},
            ),
            (
                f"INSERT INTO ports (name, mac_address, status, device_id, ip_allocation, id) VALUES "
                f"('', '{MAC}', 'DOWN', '{INSTANCE}', NULL, '{PORT}')",
                {"verb": "INSERT", "table": "ports", "status": "DOWN"},
                {"mac": {MAC}, "instance": {INSTANCE}, "port": {PORT}},
            ),
            (
                f"INSERT INTO ipallocations (port_id, ip_address, subnet_id) "
                f"VALUES ('{PORT}', '{ADDRESS}', '{NETWORK}')",
                {"verb": "INSERT", "table": "ipallocations"},
                {"port": {PORT}, "address": {ADDRESS}},
            ),
            (
                f"INSERT INTO volume_attachment (id, volume_id, instance_uuid) VALUES "
                f"('{ATTACHMENT}', '{VOLUME}', '{INSTANCE}')",
                {"verb": "INSERT", "table": "volume_attachment"},
                {"attachment": {ATTACHMENT}, "volume": {VOLUME}, "instance": {INSTANCE}},
            ),
            (
                f"INSERT INTO consumers (uuid, project_id) VALUES ('{INSTANCE}', 1) RETURNING consumers.id",
                {"verb": "INSERT", "table": "consumers"},
                {"instance": {INSTANCE}},
            ),
            (
                f"UPDATE ports SET status='ACTIVE' WHERE ports.id = '{PORT}'",
                {"verb": "UPDATE", "table": "ports", "status": "ACTIVE"},
                {"port": {PORT}},
            ),
            (
                f"UPDATE volume_attachment SET connection_info='{{}}' WHERE volume_attachment.id = '{ATTACHMENT}'",
                {"verb": "UPDATE", "table": "volume_attachment"},
                {"attachment": {ATTACHMENT}},
            ),
            (
                f"UPDATE instances SET host='a' WHERE instances.vm_state = 'active' AND instances.uuid = '{INSTANCE}'",
                {"verb": "UPDATE", "table": "instances"},
                {"instance": {INSTANCE}},
            ),
            (
                "SELECT anon_1.instances_id \nFROM (SELECT instances.id AS instances_id \nFROM instances \n"
                f"WHERE instances.uuid IN ('{INSTANCE}', '{IMAGE}')) AS anon_1",
                {"verb": "SELECT", "table": "instances"},
                {"instance": {INSTANCE, IMAGE}},
            ),
            (
                "DELETE FROM build_requests WHERE build_requests.id = 7",
                {"verb": "DELETE", "table": "build_requests"},
                {},
            ),
        ],
    )
    def test_each_form(self, text: str, fields: dict[str, str], found: dict[str, set[str]]) -> None:
        (event,) = database(row(text, rows=3, affected=2))
        assert (event.who, event.kind, event.time) == ("database", "db.statement", 1795246329.438)
        assert event.fields == {"account": "nova-conductor", "schema": "nova", "rows": "3", "affected": "2", **fields}
        assert ids(event, without=("statement",)) == found

    def test_an_id_inside_another_value_is_none_of_the_statements(self) -> None:
        (event,) = database(
            row(f"UPDATE instances SET user_data='instance_uuid = \\'{PORT}\\'' WHERE instances.id = 7")
        )
        assert ids(event, without=("statement",)) == {}

    @pytest.mark.parametrize(
        "text",
        ["COMMIT", "ROLLBACK", "SELECT 1", "SELECT networks.id \nFROM networks", "INSERT INTO x SELECT 1", "UPDATE "],
    )
    def test_what_no_flow_asks_for(self, text: str) -> None:
        assert database(row(text)) == []

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("UPDATE t SET a=1 WHERE b = 'x'", "UPDATE t SET a=-2.5 WHERE b = %(b)s", True),
            ("UPDATE t SET a=NULL", "UPDATE t  SET a='it''s'", True),
            ("INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a) VALUES ('a'),('b')", True),
            ("SELECT a \nFROM t WHERE b = 1", "SELECT a FROM t WHERE b = 2", True),
            ("SELECT a1 FROM t", "SELECT a2 FROM t", False),
            ("UPDATE t SET a=1", "UPDATE t SET a=1 WHERE b = 2", False),
        ],
    )
    def test_the_digest_leaves_out_values_alone(self, one: str, other: str, same: bool) -> None:
        assert (template(one) == template(other)) is same


@given(st.lists(st.text(max_size=200), max_size=5))
def test_garbage_is_no_event_and_no_error(lines: list[str]) -> None:
    assert database(*lines) == []


@given(st.text())
def test_garbage_said_by_the_engine_is_no_event_and_no_error(said: str) -> None:
    assert oslo(record(ENGINE, said)) == []


@given(st.text())
def test_garbage_in_a_row_is_no_error(text: str) -> None:
    database(row(f"UPDATE instances SET a='{text}"), row(f"INSERT INTO ports ({text}) VALUES ({text}"), text)


@given(st.integers(0, 400))
def test_a_row_that_is_cut_off_is_no_event(length: int) -> None:
    line = row(f"UPDATE ports SET status='ACTIVE' WHERE ports.id = '{PORT}'")
    cut = database(line[:length])
    assert cut == [] or length >= len(line) - 2
