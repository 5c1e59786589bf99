"""What the app answers: files of one folder, each with headers that keep strangers out."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from airflow_provider_kafka_odps.ui.app import STATIC, static_app


@pytest.fixture(scope="module")
def client() -> TestClient:
    """Return who asks the app."""
    return TestClient(static_app(), follow_redirects=False)


FILES = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*.*"))


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_with_its_headers(client: TestClient, name: str) -> None:
    """Pages, scripts and styles come as what they are, are asked for again each time, and may load from here only."""
    answer = client.get(f"/{name}")
    assert answer.status_code == 200
    kind = {"html": "text/html", "js": "text/javascript", "css": "text/css"}[name.rpartition(".")[2]]
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nothing.html", 404),
        ("GET", "/../plugin.py", 404),
        ("GET", "/%2e%2e/plugin.py", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("POST", "/task.html", 405),
        ("PUT", "/task.html", 405),
        ("DELETE", "/task.html", 405),
    ],
)
def test_there_is_nothing_else(client: TestClient, method: str, path: str, status: int) -> None:
    """No route of its own, no way out of the folder, nothing to write to; a refusal has the headers, too."""
    answer = client.request(method, path)
    assert answer.status_code == status
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".css")])
def test_no_file_makes_markup_of_text(name: str) -> None:
    """Names are hostile: no script writes HTML or evaluates text, and no page has scripts or styles written into it."""
    text = (STATIC / name).read_text(encoding="utf-8")
    forbidden = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "javascript:",
    )
    assert [word for word in forbidden if word in text] == []
    if name.endswith(".html"):
        assert "<style" not in text
        assert " style=" not in text
        assert " on" not in text.replace(" only", "")
        assert text.count("<script") == text.count('<script type="module" src="')


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_a_script_is_small_and_says_what_it_is(name: str) -> None:
    """A script can be read in one go, and its first line says what it is for."""
    lines = (STATIC / name).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= 300
    assert [line for line in lines if len(line) > 120] == []


MAY_IMPORT = {
    "draw": {"draw"},
    "model": {"draw", "model"},
    "airflow": {"airflow", "model"},
    "pages": {"airflow", "draw", "model", "pages"},
}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_what_draws_knows_no_airflow(folder: str) -> None:
    """Scripts have layers, too: what draws and what words it takes can be served by another page than Airflow's."""
    imports = re.compile(r'from "(\.[^"]+)"')
    seen = {
        (STATIC / folder / imported).resolve().relative_to(STATIC).parts[0]
        for path in (STATIC / folder).glob("*.js")
        for imported in imports.findall(path.read_text(encoding="utf-8"))
    }
    assert seen <= MAY_IMPORT[folder]
    assert {path.name for path in STATIC.iterdir() if path.is_dir()} == set(MAY_IMPORT)
