"""get_file: places, hashes, archives; what is refused leaves nothing behind."""

import gzip
import hashlib
import io
import os
import tarfile
import zipfile

import pytest
from live_keras import keras

from fastrnn.utils import archives, downloads, get_file

TEXT = b"words of a file\n" * 40


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def zip_of(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def tar_of(members, mode="w:gz"):
    """Members are bytes, or TarInfos without any."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:
        for name, text in members.items():
            info = text if isinstance(text, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = text if isinstance(text, bytes) else b""
            info.size = max(info.size, len(data))
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


# ---- files ----


def test_a_file_is_downloaded_once(home, server):
    server.pages["/a/words.txt"] = TEXT
    for _ in range(2):
        path = get_file("mine.txt", server.url + "a/words.txt")
        assert path == str(home / "datasets" / "mine.txt")
    assert server.visits == 1
    assert (home / "datasets" / "mine.txt").read_bytes() == TEXT
    get_file("mine.txt", server.url + "a/words.txt", force_download=True)
    assert server.visits == 2
    assert get_file(origin=server.url + "a/words.txt#x=1") == str(home / "datasets" / "words.txt")


def test_places_are_those_of_keras(home, server, tmp_path):
    server.pages = {"/w.txt": TEXT, "/a.tar.gz": tar_of({"d/x.txt": TEXT})}
    own = {"cache_dir": str(tmp_path / "own")}
    (tmp_path / "own").mkdir()
    for options in (
        {"fname": "b.txt", "cache_subdir": "texts", **own},
        {"fname": "b.txt", "cache_subdir": "", **own},
        {"cache_subdir": str(tmp_path / "absolute"), **own},
    ):
        path = get_file(origin=server.url + "w.txt", **options)
        assert path == keras.utils.get_file(origin=server.url + "w.txt", **options)
    for options in ({"fname": "c.tar.gz", **own}, {"fname": "c", **own}, own):
        path = get_file(origin=server.url + "a.tar.gz", extract=True, **options)
        assert path == keras.utils.get_file(origin=server.url + "a.tar.gz", extract=True, **options)
        assert files_in(tmp_path / path)[-1] == "d/x.txt"


def test_files_of_this_machine_need_no_server(home, tmp_path):
    (tmp_path / "w.txt").write_bytes(TEXT)
    for name, origin in (("a", tmp_path / "w.txt"), ("b", (tmp_path / "w.txt").as_uri())):
        with open(get_file(name, origin), "rb") as file:
            assert file.read() == TEXT
    # As in Keras 2, a path is a path.
    assert get_file(tmp_path / "w.txt", "http://127.0.0.1:9/w.txt") == str(tmp_path / "w.txt")


def test_a_file_that_is_there_is_found_offline(home):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "w.txt").write_bytes(TEXT)
    assert get_file("w.txt", "http://127.0.0.1:9/w.txt") == str(home / "datasets" / "w.txt")


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_hashes(home, server, kind, capsys):
    server.pages["/w.txt"] = TEXT
    url, right = server.url + "w.txt", hashlib.new(kind, TEXT).hexdigest()
    for options in ({"file_hash": right}, {"file_hash": right.upper(), "hash_algorithm": kind}):
        get_file("w.txt", url, **options)
    assert server.visits == 1
    place = home / "datasets" / "w.txt"
    place.write_bytes(b"old")
    get_file("w.txt", url, file_hash=right)
    assert place.read_bytes() == TEXT
    assert "another hash" in capsys.readouterr().out
    wrong = right.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
    with pytest.raises(ValueError, match=rf"{kind} checksum {wrong} and was not"):
        get_file("w.txt", url, file_hash=wrong)
    assert place.read_bytes() == TEXT
    assert files_in(home) == ["datasets/w.txt"]


def test_the_name_of_a_hash_in_keras_2(home, server):
    server.pages["/w.txt"] = TEXT
    with pytest.warns(DeprecationWarning, match=r"md5_hash.*file_hash"):
        get_file("w.txt", server.url + "w.txt", md5_hash=hashlib.md5(TEXT).hexdigest())


@pytest.mark.parametrize("trouble", ["offline", "not found", "cut off"])
def test_a_download_that_fails_leaves_nothing(home, server, trouble):
    url = "http://127.0.0.1:9/w.txt" if trouble == "offline" else server.url + "w.txt"
    if trouble == "cut off":
        server.pages["/w.txt"], server.lost = TEXT, 10
    with pytest.raises(OSError, match=r"no file .*w\.txt, and.* put the file there yourself"):
        get_file("w.txt", url)
    assert files_in(home) == []


def test_a_cache_that_may_not_be_written(home, server, monkeypatch, tmp_path):
    server.pages["/w.txt"] = TEXT
    monkeypatch.setattr(downloads.os, "access", lambda *_: False)
    monkeypatch.setattr(downloads.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    expected = tmp_path / "tmp" / ".keras" / "datasets" / "w.txt"
    assert get_file("w.txt", server.url + "w.txt") == str(expected)


def test_arguments(home):
    with pytest.raises(ValueError, match=r"`origin`"):
        get_file("w.txt")
    with pytest.raises(ValueError, match=r"`origin`.*fname"):
        get_file(origin="http://127.0.0.1:9/")
    with pytest.raises(ValueError, match=r"`hash_algorithm`.*'sha1'"):
        get_file("w.txt", "http://127.0.0.1:9/", hash_algorithm="sha1")
    with pytest.raises(ValueError, match=r"`archive_format`.*'rar'"):
        get_file("w.txt", "http://127.0.0.1:9/", extract=True, archive_format="rar")


# ---- archives ----


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_archives_are_unpacked(home, server, kind):
    members = {"text/a.txt": TEXT, "text/deep/b.txt": b"b", "top.txt": b"t"}
    mode = "w:" + kind.removeprefix("tar").removeprefix(".")
    content = zip_of(members) if kind == "zip" else tar_of(members, mode.rstrip(":"))
    server.pages["/t"] = content
    path = get_file(f"t.{kind}", server.url + "t", extract=True)
    assert path == str(home / "datasets" / "t_extracted")
    assert files_in(home / "datasets" / "t_extracted") == sorted(members)
    # Where Keras 2 put them.
    assert (home / "datasets" / "text" / "a.txt").read_bytes() == TEXT
    assert (home / "datasets" / "top.txt").read_bytes() == b"t"
    before = os.stat(path).st_mtime_ns
    assert get_file(f"t.{kind}", server.url + "t", extract=True) == path
    assert (os.stat(path).st_mtime_ns, server.visits) == (before, 1)


def test_a_folder_of_the_name_of_the_archive(home, server):
    """Keras 2 returned the folder that was in it, Keras 3 the one that it is in."""
    server.pages["/aclImdb.tar.gz"] = tar_of({"aclImdb/train/0.txt": TEXT})
    with pytest.warns(DeprecationWarning, match="untar"):
        path = get_file("aclImdb", server.url + "aclImdb.tar.gz", untar=True)
    for form in ("aclImdb/train/0.txt", "train/0.txt"):
        with open(os.path.join(path, form), "rb") as file:
            assert file.read() == TEXT


def test_what_stands_there_is_kept(home, server):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "a.txt").write_text("mine")
    server.pages["/t.zip"] = zip_of({"a.txt": TEXT})
    get_file("t.zip", server.url + "t.zip", extract=True)
    assert (home / "datasets" / "a.txt").read_text() == "mine"


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def device(name):
    info = tarfile.TarInfo(name)
    info.type = tarfile.CHRTYPE
    return info


HOSTILE = {
    "parent": tar_of({"../evil.txt": TEXT}),
    "parent inside": tar_of({"a/../../evil.txt": TEXT}),
    "absolute": tar_of({"/tmp/evil.txt": TEXT}),
    "link out": tar_of({"out": link("out", "../..")}),
    "absolute link": tar_of({"out": link("out", "/etc/passwd")}),
    "file behind a link": tar_of({"out": link("out", ".."), "out/evil.txt": TEXT}),
    "hard link out": tar_of({"out": link("out", "../mine.txt", tarfile.LNKTYPE)}),
    "device": tar_of({"null": device("null")}),
    "zip parent": zip_of({"../evil.txt": TEXT}),
    "zip absolute": zip_of({"/evil.txt": TEXT}),
    "zip of Windows": zip_of({"C:\\evil.txt": TEXT, "..\\evil.txt": TEXT}),
    "cut off": tar_of({"a.txt": os.urandom(9000)})[:-4000],
    "cut off zip": zip_of({"a.txt": TEXT}).replace(TEXT[:0] + b"PK\x03\x04", b"PK\x03\x05"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_as_a_whole(home, server, name, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    server.pages["/t"] = HOSTILE[name]
    with pytest.raises(ValueError, match=r"`origin`.*Nothing of it is kept"):
        get_file("t.tar.gz", server.url + "t", extract=True)
    assert files_in(tmp_path) == ["home/datasets/t.tar.gz", "mine.txt"]
    assert not (home / "datasets" / "t_extracted").exists()


@pytest.mark.parametrize("kind", ["tar", "zip", "many"])
def test_bombs_are_refused(home, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, "_MOST_BYTES", 10**4)
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 50)
    members = {"zeros": bytes(10**6)} if kind != "many" else {str(k): b"" for k in range(60)}
    (tmp_path / "bomb").write_bytes((zip_of if kind == "zip" else tar_of)(members))
    with pytest.raises(ValueError, match=r"`origin`.*bytes in 50 files, unpacked"):
        get_file("bomb.tgz", tmp_path / "bomb", extract=True)
    assert files_in(home) == ["datasets/bomb.tgz"]


def test_what_is_no_archive_warns(home, tmp_path):
    (tmp_path / "w.txt").write_bytes(TEXT)
    (tmp_path / "w.gz").write_bytes(gzip.compress(TEXT))
    for name, archive_format in (("w.txt", "auto"), ("w.gz", "zip"), ("w.txt", None)):
        with pytest.warns(UserWarning, match=r"is no archive"):
            get_file(name, tmp_path / name, extract=True, archive_format=archive_format)
