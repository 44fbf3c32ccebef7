"""Under which keys a token is kept in memcached, and how a lab's description says how it is protected."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hoplab.lab.deployment import Deployment, load
from hoplab.lab.tokens import cache_key, protected_key
from hoplab.model.errors import ConfigurationError


def test_the_key_of_a_protected_token() -> None:
    # As derive_keys and get_cache_key of keystonemiddleware 10.9.0-2+deb13u2 make them.
    assert protected_key("gAAAA-token", "secret", "ENCRYPT") == "3l4kV5CX43KnYqCp2N5dag=="
    assert protected_key("gAAAA-token", "secret", "MAC") == "ybpssXt/0fo0hijEv+p6nQ=="
    assert protected_key("gAAAA-other", "secret", "ENCRYPT") != "3l4kV5CX43KnYqCp2N5dag=="
    assert cache_key("gAAAA-token", "b'x'") != cache_key("gAAAA-token", "b'y'")


class TestDescription:
    @pytest.fixture
    def described(
        self, document: dict[str, Any], write_lab: Callable[[object], Path]
    ) -> Callable[[object], Deployment]:
        return lambda cache: load(write_lab(document | {"token_cache": cache}))

    def test_it_may_be_missing(self, deployment: Deployment) -> None:
        assert deployment.token_cache is None

    def test_a_secret_that_is_never_shown(self, described: Callable[[object], Deployment], tmp_path: Path) -> None:
        secret = tmp_path / "token-cache-secret"
        secret.write_text("hidden\n")
        found = described({"strategy": "ENCRYPT", "secret_file": str(secret)}).token_cache
        assert found is not None
        assert found.secret == "hidden"
        assert "hidden" not in repr(found)

    @pytest.mark.parametrize("strategy", ["", "NONE", 3, None])
    def test_a_strategy_that_is_none(
        self, described: Callable[[object], Deployment], tmp_path: Path, strategy: object
    ) -> None:
        secret = tmp_path / "token-cache-secret"
        secret.write_text("hidden\n")
        with pytest.raises(ConfigurationError, match="strategy"):
            described({"strategy": strategy, "secret_file": str(secret)})

    def test_an_empty_secret(self, described: Callable[[object], Deployment], tmp_path: Path) -> None:
        secret = tmp_path / "token-cache-secret"
        secret.write_text("\n")
        with pytest.raises(ConfigurationError, match=r"token-cache-secret: is empty: run `make lab`"):
            described({"strategy": "MAC", "secret_file": str(secret)})
