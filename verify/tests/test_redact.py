"""Taking secrets out: each form in which one was or may be logged, and that all else stays as it was."""

import base64
import hashlib
import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.capture.redact import GONE, digest, redact
from hoplab.capture.session import CaptureSession
from samples.pack import SUSPECTS

TOKEN = "gAAAAABp" + "aB3_-" * 30 + "=="
CEPHX = "AQ" + "Zm9v" * 9 + "=="
SIGNATURE = "0123456789abcdef" * 4
SECRET = "hunter2hunter2"
"""What stands for a secret of any form, and must be gone."""
WORDS = string.ascii_letters + string.digits
SECRETS = st.text(WORDS + "!#%*+-._~", min_size=6, max_size=40).map(lambda text: f"Zq{text}")

quoted = [
    '{"adminPass": "%s", "x": 1}',
    '{"auth": {"password": {"user": {"password": "%s"}}}}',
    "{'password': '%s', 'x': 1}",
    "{'auth_password': '%s'}",
    "Plugin(auth_url='http://10.0.0.1', password='%s', username='nova')",
    '{"secret_key": "%s"}',
    'body "{\\"adminPass\\": \\"%s\\", \\"x\\": 1}" sent',
    'twice "{\\\\\\"password\\\\\\": \\\\\\"%s\\\\\\", 1}" sent',
    "UPDATE t SET password='%s' WHERE t.id = 7",
    "CREATE USER nova IDENTIFIED BY '%s'",
    "SET PASSWORD FOR nova = PASSWORD('%s')",
]
bare = [
    "connection = mysql+pymysql://nova:%s@10.0.0.1/nova?charset=utf8",
    "transport_url=rabbit://nova:%s@10.0.0.1:5672/",
    "rabbit://nova:%s@10.0.0.1:5672,nova:%s@10.0.0.2:5672//",
    "redis://:%s@10.0.0.1",
    "user=nova password=%s host=10.0.0.1",
    "/v1/x?user=nova&password=%s&y=1",
    "Authorization: Basic %s",
    "{'Authorization': 'Bearer %s'}",
]


class TestForms:
    @pytest.mark.parametrize("form", [*quoted, *bare])
    def test_a_password_is_gone_and_nothing_else(self, form: str) -> None:
        assert redact(form.replace("%s", SECRET)) == form.replace("%s", GONE)

    @pytest.mark.parametrize("form", [*quoted[:4], quoted[6]])
    def test_a_password_with_quotes_in_it_is_gone_wholly(self, form: str) -> None:
        """Written as JSON and Python do: what ends a text is escaped or is another quote."""
        level = "\\" if form is quoted[6] else ""
        quote, other = ("'", '"') if "'%s'" in form else ('"', "'")
        for secret in (f"ab{level}\\{level}{quote}cd", f"ab{other}cd", f"ab{level}\\{level}\\cd"):
            found = redact(form.replace("%s", secret))
            assert "ab" not in found
            assert "cd" not in found
            assert GONE in found

    def test_a_password_of_a_line_that_is_cut_off_is_gone(self) -> None:
        assert redact(f'{{"password": "{SECRET}\nnext') == f'{{"password": "{GONE}\nnext'

    @pytest.mark.parametrize(
        "text",
        [
            f"key = {CEPHX}",
            f'"[client.nova]\\n\\tkey={CEPHX}"',
            f'-H "X-Instance-ID-Signature: {SIGNATURE}"',
            f"{{'X-Tenant-Id': 'x', 'X-Instance-Id-Signature': '{SIGNATURE}'}}",
            f"AWS4-HMAC-SHA256 Credential=x, Signature={SIGNATURE}",
            "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdefg",
            "'$scrypt$ln=16,r=8,p=1$c2FsdA$Y2hlY2tzdW0'",
            "$pbkdf2-sha512$25000$c2FsdA$Y2hlY2tzdW0",
            "root:$6$salt$Y2hlY2tzdW0Y2hlY2tzdW0:20000",
            "IDENTIFIED VIA mysql_native_password USING '*" + "0A" * 20 + "'",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\nYQ==\n-----END OPENSSH PRIVATE KEY-----",
        ],
    )
    def test_keys_digests_and_signatures_are_gone(self, text: str) -> None:
        found = redact(text)
        secrets = (CEPHX, SIGNATURE, "abcdefghij", "Y2hlY2tzdW0", "0A0A", "b3BlbnNzaA")
        assert GONE in found
        assert not any(secret in found for secret in secrets)


class TestTokens:
    def test_a_token_becomes_its_digest_as_keystoneauth_writes_it(self) -> None:
        """That is how the services' logs, memcached's keys and our own notes meet."""
        assert redact(f'X-Auth-Token: {TOKEN}"') == f'X-Auth-Token: {{SHA256}}{digest(TOKEN)}"'
        assert digest(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()

    @given(st.binary(min_size=60, max_size=120), st.binary(min_size=60, max_size=120))
    def test_the_same_has_the_same_digest_and_others_have_others(self, one: bytes, other: bytes) -> None:
        tokens = [base64.urlsafe_b64encode(b"\x80\0\0\0\0" + body).decode() for body in (one, other)]
        found = [redact(f"a {token} b {token} c") for token in tokens]
        assert all(token not in text for token, text in zip(tokens, found, strict=True))
        assert (found[0] == found[1]) is (one == other)
        for text, token in zip(found, tokens, strict=True):
            assert text.count(digest(token)) == 2

    def test_the_digest_that_a_service_wrote_stays(self) -> None:
        line = f'REQ: curl -H "X-Auth-Token: {{SHA256}}{digest(TOKEN)}" -H "X-Subject-Token: {{SHA256}}{digest("x")}"'
        assert redact(line) == line


class TestAllTexts:
    @given(st.sampled_from([*quoted, *bare]), SECRETS, st.text(max_size=20), st.text(max_size=20))
    def test_nothing_that_looks_like_a_secret_is_left(self, form: str, secret: str, before: str, after: str) -> None:
        found = redact(f"{before}\n{form.replace('%s', secret)}\n{after}")
        assert secret not in found.split("\n")[before.count("\n") + 1]
        assert not any(suspect.search(found) for suspect in SUSPECTS)

    @given(st.lists(st.sampled_from([*quoted, *bare, TOKEN, CEPHX, SIGNATURE, "'", '"', "\\", "\n", " ", "@", ","])))
    def test_what_was_redacted_stays_as_it_is(self, parts: list[str]) -> None:
        once = redact("".join(parts).replace("%s", SECRET))
        assert redact(once) == once

    @given(st.text(max_size=300))
    def test_any_text_is_taken(self, text: str) -> None:
        assert redact(redact(text)) == redact(text)

    @given(st.text(WORDS + ' .,;()[]{}<>-_/\\"\n', max_size=300))
    def test_a_text_without_anything_of_that_kind_is_unchanged(self, text: str) -> None:
        assert redact(text) == text

    @pytest.mark.parametrize(
        "line",
        [
            "SELECT password.id, password.password_hash FROM password WHERE password.local_user_id = 7",
            "UPDATE t SET password=%(password)s WHERE t.id = %(id)s",
            "Context(auth_token=None, user=x) password=None",
            '{"password": null, "adminPass": "", "key": "x"}',
            "POST http://10.0.0.1:9696/v2.0/ports used request id req-1, user a@b.example",
            "osd.1 v2:192.0.2.31:6810/954129305 643 ==== osd_op_reply(1930 rbd_id.volume-x)",
            "ts=1795248646.368008 gid=1 type=item_get key=tokens%2Fbfcd7ac90a69b57ecec6162e73e5bbfe status=found",
            "price $1$ and $5$, 2 * 3 ** 4, *A0",
        ],
    )
    def test_what_only_looks_like_one_stays(self, line: str) -> None:
        assert redact(line) == line


class TestRecording:
    def test_only_redacted_text_reaches_a_file(self, tmp_path: Path) -> None:
        recording = CaptureSession(tmp_path / "raw")
        recording.write("ctl1", "var/log/nova/nova-api.log", json.dumps({"adminPass": SECRET, "t": TOKEN}) + "\n")
        recording.close()
        text = (tmp_path / "raw/ctl1/var/log/nova/nova-api.log").read_text()
        assert json.loads(text) == {"adminPass": GONE, "t": f"{{SHA256}}{digest(TOKEN)}"}
        assert recording.sizes["ctl1", "var/log/nova/nova-api.log"] == len(text)

    @pytest.mark.parametrize("pieces", [1, 2, 3, 7, 30])
    def test_a_private_key_that_comes_in_pieces_is_none_in_the_file(self, tmp_path: Path, pieces: int) -> None:
        body = [f"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj{number:02}" for number in range(26)]
        lines = ["before", "-----BEGIN RSA PRIVATE KEY-----", *body, "-----END RSA PRIVATE KEY-----", "after"]
        recording = CaptureSession(tmp_path / "raw")
        step = -(-len(lines) // pieces)
        for start in range(0, len(lines), step):
            recording.write("ctl1", "log", "".join(f"{line}\n" for line in lines[start : start + step]))
            recording.write("ctl1", "other", "x\n")
        recording.close()
        assert (tmp_path / "raw/ctl1/log").read_text() == f"before\n{GONE}\nafter\n"
        assert recording.sizes["ctl1", "log"] == (tmp_path / "raw/ctl1/log").stat().st_size

    def test_one_without_an_end_is_written_when_no_more_comes(self, tmp_path: Path) -> None:
        recording = CaptureSession(tmp_path / "raw")
        recording.write("ctl1", "log", "a\n-----BEGIN PRIVATE KEY-----\nMIIE\n")
        recording.flush()
        assert (tmp_path / "raw/ctl1/log").read_text() == f"a\n{GONE}"
        recording.close()

    def test_what_is_no_key_waits_for_nothing(self, tmp_path: Path) -> None:
        recording = CaptureSession(tmp_path / "raw")
        recording.write("ctl1", "log", "-----BEGIN PRIVATE KEY-----\nthis is: not one\n")
        recording.write("ctl1", "log", "next\n")
        recording.close()
        assert (tmp_path / "raw/ctl1/log").read_text().endswith("next\n")
