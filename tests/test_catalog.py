"""Sources of raw data: names, paths, and files that are fetched from a server on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.data.sources import RemoteFile, Source, fetch, identity, is_own, named, own_path
from components.errors import SettingError, SourceError

CONTENT = bytes(range(256)) * 4_096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class FileServer(ThreadingHTTPServer):
    """Serves CONTENT with ranges; notes every range asked for; can break off in the middle or know no ranges."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.breaks_off_after: int | None = None
        self.knows_ranges = True

    def url(self, path: str = "file.bin") -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path != "/file.bin":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.knows_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.breaks_off_after])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FileServer() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield running
        running.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GATEWISE_DATA", raising=False)
    return tmp_path / "cache"


def remote(server: FileServer, sha256: str | None = SHA256, path: str = "file.bin") -> RemoteFile:
    return RemoteFile("file.bin", server.url(path), sha256)


def test_a_file_is_downloaded_once_and_then_taken_from_the_cache(server, cache):
    first, second = fetch(remote(server)), fetch(remote(server))
    assert first == second == cache / "file.bin"
    assert first.read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, cache):
    server.breaks_off_after = 300_000
    with pytest.raises(SourceError, match="cannot download"):
        fetch(remote(server))
    assert not (cache / "file.bin").exists()
    have = (cache / "file.bin.part").stat().st_size
    assert 0 < have <= 300_000
    server.breaks_off_after = None
    assert fetch(remote(server)).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={have}-"]
    assert not (cache / "file.bin.part").exists()


def test_a_server_without_ranges_sends_the_whole_file_again(server, cache):
    cache.mkdir()
    (cache / "file.bin.part").write_bytes(CONTENT[:1_000])
    server.knows_ranges = False
    assert fetch(remote(server)).read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_accepted_by_its_checksum(server, cache):
    cache.mkdir()
    (cache / "file.bin.part").write_bytes(CONTENT)
    assert fetch(remote(server)).read_bytes() == CONTENT


def test_a_wrong_checksum_names_both_and_leaves_no_file(server, cache):
    with pytest.raises(SourceError) as raised:
        fetch(remote(server, sha256="0" * 64))
    assert SHA256 in str(raised.value)
    assert "0" * 64 in str(raised.value)
    assert not list(cache.iterdir())


def test_a_missing_page_says_which_file_to_put_where(server, cache):
    with pytest.raises(SourceError) as raised:
        fetch(remote(server, path="elsewhere.bin"))
    assert "404" in str(raised.value)
    assert str(cache / "file.bin") in str(raised.value)
    assert "GATEWISE_DATA" in str(raised.value)


def test_no_network_says_which_file_to_put_where(cache):
    with pytest.raises(SourceError) as raised:
        fetch(RemoteFile("file.bin", "http://127.0.0.1:9/file.bin", SHA256))  # nothing listens there
    assert "ConnectError" in str(raised.value)
    assert str(cache / "file.bin") in str(raised.value)


def test_the_folder_gatewise_data_is_searched_before_the_network(server, cache, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file.bin").write_bytes(CONTENT)
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path / "mine"))
    assert fetch(remote(server)) == tmp_path / "mine" / "file.bin"
    assert server.ranges == []


def test_a_file_in_gatewise_data_with_a_wrong_checksum_is_named_and_kept(server, cache, tmp_path, monkeypatch):
    (tmp_path / "file.bin").write_bytes(b"another")
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path))
    with pytest.raises(SourceError, match=r"file\.bin: sha256 is"):
        fetch(remote(server))
    assert (tmp_path / "file.bin").read_bytes() == b"another"


@pytest.mark.parametrize("source", ["./data", "folder/file", "table.csv", "~/clips"])
def test_what_looks_like_a_path_is_the_users_own(source):
    assert is_own(source)


def test_a_plain_word_is_a_name_unless_such_a_file_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not is_own("embedded")
    (tmp_path / "embedded").mkdir()
    assert is_own("embedded")


def test_a_path_where_nothing_is_names_it(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.csv: no such file"):
        own_path(str(tmp_path / "nowhere.csv"))


def test_an_unknown_name_lists_the_known_ones():
    sources = {"embedded": Source("embedded", "embedded", "", ""), "imdb": Source("imdb", "public", "", "")}
    with pytest.raises(SettingError, match="unknown source 'imdv': choose from embedded, imdb"):
        named(sources, "imdv")


def test_a_file_is_known_by_its_checksum_or_by_the_content_of_the_users_copy(tmp_path, monkeypatch):
    stated, unstated = RemoteFile("a.bin", "https://x/a", SHA256), RemoteFile("a.bin", "https://x/a")
    assert (identity(stated), identity(unstated)) == (SHA256, "https://x/a")
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path))
    (tmp_path / "a.bin").write_bytes(b"one")
    before = identity(unstated)
    (tmp_path / "a.bin").write_bytes(b"two")
    assert len({before, identity(unstated), "https://x/a"}) == 3
    assert identity(stated) == SHA256
