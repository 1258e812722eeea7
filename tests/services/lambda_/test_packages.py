"""Unpacking code and layers."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest
from lambda_support import zipped

from sandbox.services.lambda_.packages import BadPackageError, Packages


def test_a_zip_is_unpacked_once_with_its_permissions_and_links(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/", "")
        run = zipfile.ZipInfo("a/run")
        run.external_attr = 0o100755 << 16
        archive.writestr(run, "#!/bin/sh")
        plain = zipfile.ZipInfo("plain")
        plain.external_attr = 0o100640 << 16
        archive.writestr(plain, "x")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "plain")
    packages = Packages(tmp_path)
    folder = packages.task(buffer.getvalue())
    assert stat.S_IMODE((folder / "a/run").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "plain").stat().st_mode) == 0o640
    assert (folder / "link").read_text() == "x"
    assert (folder / "link").is_symlink()
    assert packages.task(bytes(buffer.getvalue())) == folder
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


def test_a_later_layer_lies_over_an_earlier_one(tmp_path):
    first, second = zipped({"bin/x": "1", "bin/y": "1"}), zipped({"bin/x": "2"})
    folder = Packages(tmp_path).opt((first, second))
    assert folder is not None
    assert ((folder / "bin/x").read_text(), (folder / "bin/y").read_text()) == ("2", "1")


@pytest.mark.parametrize("name", ["../escaped", "a/../../escaped", "/../escaped"])
def test_a_file_outside_the_root_is_refused_by_name(tmp_path, name):
    with pytest.raises(BadPackageError, match="escaped"):
        Packages(tmp_path / "root").task(zipped({"fine": "", name: "x"}))
    assert not (tmp_path / "escaped").exists()
    assert list((tmp_path / "root").iterdir()) == []


def test_a_link_out_of_the_root_is_no_way_to_write_there(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("way")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(outside))
        archive.writestr("way/escaped", "x")
    with pytest.raises(BadPackageError, match="way/escaped"):
        Packages(tmp_path / "root").task(buffer.getvalue())
    assert list(outside.iterdir()) == []
