"""`gscli doctor`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gscli.cli.commands.doctor import command


def test_facts_as_json(chromium: Path) -> None:
    facts = json.loads(CliRunner().invoke(command, ["--json"]).stdout)
    assert {"gscli", "python", "numpy", "plotly", "kaleido"} <= set(facts["versions"])
    assert facts["threads"] >= 1
    assert facts["browser"]["path"] == str(chromium)
    assert facts["browser"]["version"]
    assert facts["browser"]["found_by"] in ("BROWSER_PATH", "PATH", "download")


@pytest.mark.usefixtures("chromium")
@pytest.mark.slow
def test_export_is_real_and_timed() -> None:
    facts = json.loads(CliRunner().invoke(command, ["--json", "--export"]).stdout)
    assert facts["export"]["bytes"] > 1_000
    assert 0 < facts["export"]["seconds"] < 30


def test_without_a_browser_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chrome")
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    assert "BROWSER_PATH=/nowhere/chrome is not a program" in result.stdout
    facts = json.loads(CliRunner().invoke(command, ["--json"]).stdout)
    assert facts["browser"]["path"] is None


def test_browser_that_does_not_tell_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\nexit 1\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(browser))
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    assert "it does not say" in result.stdout
