"""What a stranger tries: other hosts, paths, numbers and methods."""

from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from msfusion_sdk.view.guard import HEADERS

from .conftest import HOSTILE, tile_address

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.20:8765",
        "0.0.0.0",
        "evil.example@127.0.0.1",
        "",
    ],
)
def test_a_foreign_host_is_refused(client: TestClient, keys: dict[str, str], host: str) -> None:
    for address in ("/", "/static/view.js", f"/slides/{keys['good']}/info.json", "/nothing"):
        answer = client.get(address, headers={"host": host})
        assert answer.status_code == 400
        assert "127.0.0.1 or localhost" in answer.text


def test_two_hosts_are_refused(client: TestClient) -> None:
    hosts = [("host", "127.0.0.1"), ("host", "evil.example")]
    assert client.get("/", headers=hosts).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:9000"])
def test_this_machine_is_served_on_any_port(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("address", ["/", "/static/view.css", "/nothing"])
def test_no_answer_lets_other_pages_in(client: TestClient, address: str) -> None:
    answer = client.get(address, headers={"origin": "http://evil.example"})
    assert HEADERS.items() <= dict(answer.headers).items()
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_policy_names_no_foreign_source() -> None:
    policy = HEADERS["content-security-policy"]
    assert "http" not in policy
    assert "unsafe" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    assert client.request(method, "/").status_code == 405


PATHS = [
    "../secret.txt",
    "..%2fsecret.txt",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/secret.txt",
    "..%5c..%5csecret.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "..%252fsecret.txt",
    "secret.txt%00.jpg",
    "%00",
    "good",
    quote(HOSTILE, safe=""),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "pattern", ["/{}", "/static/{}", "/slides/{}/info.json", "/slides/{}/attention.json"]
)
def test_no_path_reaches_a_file(client: TestClient, cohort: Path, path: str, pattern: str) -> None:
    (cohort.parent / "secret.txt").write_text("secret")
    answer = client.get(pattern.format(path))
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("part", ["..%2fx", "%00", "..", "0_0.jpg%2f..%2f..%2finfo.json"])
def test_no_path_hides_in_a_tile(client: TestClient, keys: dict[str, str], part: str) -> None:
    assert client.get(f"/slides/{keys['good']}/v/{part}/0_0.jpg").status_code in (404, 422)
    assert client.get(f"/slides/{keys['good']}/v/0/{part}_0.jpg").status_code in (404, 422)


@pytest.mark.parametrize(
    "number", ["-1", "99", str(2**31), str(2**64), "9" * 5000, "1e2", "0x1", "٣", "%201", "1.0"]
)
def test_numbers_without_a_tile_are_not_found(
    client: TestClient, keys: dict[str, str], number: str
) -> None:
    key = keys["good"]
    assert client.get(tile_address(client, key, number, 0, 0)).status_code == 404
    assert client.get(tile_address(client, key, 11, number, 0)).status_code == 404
    assert client.get(tile_address(client, key, 11, 0, number)).status_code == 404


def test_the_first_and_the_last_tile_are_there(client: TestClient, keys: dict[str, str]) -> None:
    for place in ((0, 0, 0), (11, 7, 5)):
        assert client.get(tile_address(client, keys["good"], *place)).status_code == 200
    for place in ((11, 8, 5), (11, 7, 6), (12, 0, 0)):
        assert client.get(tile_address(client, keys["good"], *place)).status_code == 404
