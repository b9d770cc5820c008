"""`make up`: what it refuses before it starts anything."""

import pytest

from local import up


def test_a_provider_needs_a_key(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY", raising=False)
    monkeypatch.setattr(up, "_find_running_stack", lambda: None)
    assert up.main(["--provider-url", "http://127.0.0.1:9000"]) == 2
    assert "set COMETAPI_KEY" in capsys.readouterr().err
