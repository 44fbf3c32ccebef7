"""Reports whose every text would like to be code."""

from typing import Any, Final

EVIL: Final = (
    "</code></script></style></title>]]>--><script>window.harmed=1</script>"
    "<img src=x onerror=\"window.harmed=1\"><svg onload='window.harmed=1'>&amp;\"'`${window.harmed=1}"
    "javascript:window.harmed=1//\x1b[31m\x00\ud800\u202e\u2028\\u003c"
)
"""What breaks out of elements, attributes, comments, strings, scripts and styles, and what no XML may hold."""
FIXED: Final = frozenset({"at", "end", "time", "started", "verdict", "result", "hop", "schema"})
"""What a report may only have in a form of its own: report.json is refused otherwise."""


def hostile(value: Any, key: str = "") -> Any:
    """Return a report, or a part of one, with evil in every text that may be any text, in the same way everywhere."""
    if isinstance(value, dict):
        return {
            (name + EVIL if key == "clocks" else name): hostile(one, "" if key == "clocks" else name)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [hostile(one, key) for one in value]
    return value + EVIL if isinstance(value, str) and key not in FIXED else value
