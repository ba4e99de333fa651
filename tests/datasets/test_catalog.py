from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from mnistcli.datasets.catalog import CATALOG, PART_NAMES
from mnistcli.datasets.store import DatasetStore
from mnistcli.errors import UsageError

from .conftest import BUNDLE, read_bundled

SPECS = list(CATALOG.values())


@pytest.mark.parametrize("spec", SPECS, ids=list(CATALOG))
def test_rows_are_well_formed(spec):
    assert tuple(part.name for part in spec.parts) == PART_NAMES
    assert [len(part.shape) for part in spec.parts] == [3, 1, 3, 1]
    assert [part.shape[1:] for part in spec.parts] == [(28, 28), ()] * 2
    sizes = [part.shape[0] for part in spec.parts]
    assert sizes[::2] == sizes[1::2]
    assert spec.attribution
    assert spec.licence
    for part in spec.parts:
        assert re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", part.file.checksum)
        assert re.fullmatch(r"[0-9a-f]{64}", part.payload_sha256 or "0" * 64)


@pytest.mark.parametrize("spec", SPECS, ids=list(CATALOG))
def test_mirrors_are_https_first_and_never_the_dead_host(spec):
    schemes = [url.partition("://")[0] for url in spec.mirrors]
    assert schemes == sorted(schemes, reverse=True)
    assert all(url.endswith("/") for url in spec.mirrors)
    assert not any("lecun" in url for url in spec.mirrors)


def test_no_two_files_share_a_checksum():
    checksums = [part.file.checksum for spec in SPECS for part in spec.parts]
    assert len(set(checksums)) == len(checksums) == 20


@pytest.mark.parametrize("name", ["mnist", "europeans"])
def test_the_box_holds_what_the_catalogue_says(name):
    for part in CATALOG[name].parts:
        data = (BUNDLE / part.file.name).read_bytes()
        array = read_bundled(part.file.name)
        assert len(data) == part.file.n_bytes
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == part.file.checksum
        assert array.shape == part.shape
        assert hashlib.sha256(array.tobytes()).hexdigest() == part.payload_sha256


def test_facts_of_mnist(digits):
    counts = np.bincount(digits["train-labels"]).tolist()
    assert counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    counts = np.bincount(digits["test-labels"]).tolist()
    assert counts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_an_unknown_dataset_is_named_with_those_there_are(tmp_path):
    known = "the datasets are mnist, europeans, fashion-mnist, kmnist, qmnist"
    for name in ("cifar", "", "cifar" * 99):
        with pytest.raises(UsageError, match=f"unknown dataset '{name}'") as caught:
            DatasetStore(tmp_path / "datasets").find(name)
        assert caught.value.hint == known
    (tmp_path / "mine.csv").touch()
    with pytest.raises(UsageError) as caught:
        DatasetStore(tmp_path / "datasets").find(str(tmp_path / "mine.csv"))
    making = f"mnistcli download --source {tmp_path / 'mine.csv'} --as NAME"
    assert caught.value.hint == f"make one of it: {making}"


def test_a_dataset_of_one_s_own_is_one_entry(home, tmp_path):
    """One more entry of the catalogue, and it is listed, completed, in the help and in doctor's."""
    code = """
        import sys
        from dataclasses import replace
        from mnistcli.datasets import catalog
        emnist = replace(catalog.CATALOG["kmnist"], name="emnist", title="EMNIST")
        catalog.CATALOG = {**catalog.CATALOG, "emnist": emnist}
        from mnistcli.cli import completion
        from mnistcli.cli.app import app
        assert "numpy" not in sys.modules
        from types import SimpleNamespace as Root
        print(completion.datasets(Root(find_root=lambda: Root(params={}))))
        for words in ("download --list --tsv", "download --help", "doctor --tsv",
                      "download --dataset emnist --source bundled"):
            try: app(words.split(), prog_name="mnistcli")
            except SystemExit: pass
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout.count("emnist") >= 4, ended.stdout
    assert "'emnist']" in ended.stdout
    assert "emnist\tEMNIST\tnot installed" in ended.stdout
    assert "qmnist, emnist" in " ".join(ended.stdout.split())
    assert ended.stdout.partition("Usage")[2].count("emnist") == 2, ended.stdout
    assert "EMNIST is not part of this package" in ended.stderr


def test_the_list_tells_what_is_there(invoke, home):
    listed = {
        row["name"]: row["state"]
        for row in json.loads(invoke("download", "--list", "--json").out)["datasets"]
    }
    assert list(listed) == list(CATALOG)
    assert listed["mnist"] == "installed"
    assert listed["kmnist"] == "not installed"
    elsewhere = invoke("--home", str(home / "elsewhere"), "download", "--list", "--tsv").out
    assert "mnist\tMNIST\tbundled\tCC BY-SA 3.0" in elsewhere
    assert invoke("download", "--list", "-q").out.split() == list(CATALOG)
