"""Takes secrets out of what was captured, before anything of it is written.

A token is replaced by its SHA-256 digest, in the form in which keystoneauth logs it (keystoneauth1/session.py,
`_process_header`), so that it still can be told from another; all else by asterisks.
"""

import hashlib
import re
from bisect import bisect
from typing import Final

GONE: Final = "***"

TOKEN: Final = re.compile(r"gAAAA[A-Za-z0-9_-]{40,}={0,2}")
"""A Fernet token: version 0x80 and a time stamp, in URL-safe base64 (cryptography.io/en/latest/fernet)."""

_NAMES: Final = (
    r"(?:admin_?[Pp]ass|[Pp]assword|PASSWORD|[Pp]asswd|[Pp]assphrase|secret_?[Kk]ey|access_secret|"
    r"secret_access_key|auth_token|private_key|shared_secret|transport_url)"
)
_HINTS: Final = (
    *("min_pass", "minpass", "minPass", "assword", "asswd", "assphrase", "PASSWORD"),
    *("ecret_", "ecretk", "ecretK", "auth_token", "private_key", "transport_url"),
)
SECRETS: Final = tuple(
    (hints, re.compile(pattern))
    for hints, pattern in (
        # "adminPass": "x" and password='x', also within a text that is quoted once more or twice: up to the same quote.
        (
            _HINTS,
            rf"({_NAMES}(?:\\{{0,31}}[\"']\s*[:=,]|\s*[:=])\s*[bu]?(\\{{0,31}}[\"']))(?:(?!(?<!\\)\2).)+",
        ),
        # Quoted once more than anybody does, where looking for the quote's end would take too long: all the rest.
        (_HINTS, rf"({_NAMES}(?:\\*[\"']\s*[:=,]|\s*[:=])?\s*[bu]?\\{{32}}).*"),
        # password=x, but for what stands for a value.
        (_HINTS, rf"(?!transport_url)({_NAMES}=)(?!(?:None|NULL|null|[Tt]rue|[Ff]alse)\b)[\w+/][^\s\"'&;,)<>\\]*"),
        # X-Instance-ID-Signature: x, in a header or in what Python shows of one.
        (("ignature",), r"([Ss]ignature[^\w*]{1,12})[0-9a-f]{16,}"),
        (("uthorization",), r"([Aa]uthorization\\*[\"']?\s*[:=]\s*\\*[\"']?(?:Basic|Bearer) +)[^\s\"'\\]+"),
        # Keys of cephx.
        (("AQ",), r"()AQ[A-Za-z0-9+/]{36}=="),
        # Digests of passwords: scrypt, bcrypt and PBKDF2 as Keystone has them, crypt's, and MariaDB's own.
        (("$",), r"()\$(?:scrypt|2[aby]|bcrypt-sha256|pbkdf2-sha\d+|argon2\w*|[156y])\$[A-Za-z0-9./+=$,]{8,}"),
        (("*",), r"()\*[0-9A-F]{40}(?![0-9A-F])"),
        (
            ("IDENTIFIED BY", "identified by", "PASSWORD("),
            r"((?:(?:IDENTIFIED BY|identified by)(?: PASSWORD| password)?|PASSWORD\()\s*\\*['\"])[^'\"\\]+",
        ),
    )
)
"""What is taken out: some text of which one must be there (a cheap look), and the pattern; group 1 stays."""
KEY: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")
KEY_END: Final = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY-----")
KEY_BODY: Final = re.compile(r"[A-Za-z0-9+/=\s\\]*")
LONGEST_KEY: Final = 1 << 16
"""Characters of a private key at most: one of 16,384 bits has 13,000, and a log may write more between its lines."""
HOSTS: Final = re.compile(r"://[^\s/\"']*@")
ACCOUNT: Final = re.compile(r"((?:://|,)[^:@,]*:)[^@]+(?=@)")
"""In scheme://account:secret@host, where further hosts with accounts of their own may follow (oslo.messaging)."""


def digest(token: str) -> str:
    """Return the SHA-256 digest of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def redact(text: str) -> str:
    """Return a text without secrets."""
    if "gAAAA" in text:
        text = TOKEN.sub(lambda found: f"{{SHA256}}{digest(found[0])}", text)
    if "@" in text:
        text = HOSTS.sub(lambda found: ACCOUNT.sub(rf"\g<1>{GONE}", found[0]), text)
    for hints, pattern in SECRETS:
        if any(hint in text for hint in hints):
            text = pattern.sub(rf"\g<1>{GONE}", text)
    return _without_keys(text) if "PRIVATE KEY" in text else text


def _without_keys(text: str) -> str:
    """Return a text without private keys; of one without an end what can be its body goes, too.

    Each part of the text is looked at once, however many beginnings there are.
    """
    ends = [found.end() for found in KEY_END.finditer(text)]
    parts, place = [], 0
    for found in KEY.finditer(text):
        if found.start() < place:
            continue
        nearest = bisect(ends, found.end())
        if nearest < len(ends) and ends[nearest] - found.end() <= LONGEST_KEY:
            end = ends[nearest]
        else:
            body = KEY_BODY.match(text, found.end())
            end = body.end() if body else found.end()
        parts += [text[place : found.start()], GONE]
        place = end
    return "".join([*parts, text[place:]])


def unfinished(text: str) -> int:
    """Return where a private key begins whose end is not in the text and may come next; the text's length for none."""
    *_others, last = [None, *KEY.finditer(text)] if "PRIVATE KEY" in text else [None]
    if last is None or len(text) - last.start() > LONGEST_KEY or KEY_END.search(text, last.end()):
        return len(text)
    return last.start() if KEY_BODY.fullmatch(text, last.end()) else len(text)
