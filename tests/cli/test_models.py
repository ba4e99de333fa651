from __future__ import annotations

import json

import pytest


@pytest.fixture(autouse=True)
def two_models(invoke):
    for c in ("0.001", "1"):
        assert invoke("train", "--task", "3v5", "--limit", "300", "--C", c, "-q").code == 0


def test_list_shows_versions_and_tags(invoke):
    lines = [line.split() for line in invoke("models", "list").out.splitlines() if "@" in line]
    assert [line[0] for line in lines] == ["3v5@1", "3v5@2"]
    assert [line[-2:] for line in lines][1] == ["latest,", "best"]
    assert invoke("models", "list", "-q").out == "3v5@1\n3v5@2\n"
    assert invoke("models", "list", "nothing", "-q").out == ""


def test_info_tells_how_to_get_the_model_again(invoke, home):
    card = json.loads(invoke("models", "info", "3v5@1", "--json").out)["card"]
    assert card["settings"]["C"] == 0.001
    assert card["task"] == "3v5"
    out = invoke("models", "info").out
    for words in ("3v5@2", "latest, best", "L2 penalty, C = 1", "300 training", "sha256 934aebce"):
        assert words in out


def test_path_is_where_the_file_is(invoke, home):
    assert invoke("models", "path", "3v5@1").out == f"{home}/models/3v5/1.safetensors\n"
    assert invoke("models", "path").out == f"{home}/models\n"


def test_tag_and_untag(invoke):
    assert invoke("models", "tag", "3v5@1", "paper", "-q").out == "3v5@1\n"
    assert invoke("models", "path", "3v5@paper").out.endswith("/1.safetensors\n")
    assert invoke("models", "tag", "3v5@paper", "--delete", "-q").code == 0
    done = invoke("models", "path", "3v5@paper")
    assert (done.code, done.out) == (5, "")
    assert invoke("models", "tag", "3v5@1").code == 2
    assert invoke("models", "tag", "3v5@1", "latest").code == 2


def test_rm_asks_and_needs_an_answer(invoke, home):
    done = invoke("models", "rm", "3v5@1")
    assert done.code == 2
    assert "add --yes" in done.err
    assert (home / "models" / "3v5" / "1.safetensors").exists()
    done = invoke("models", "rm", "3v5@1", "--yes")
    assert (done.code, done.err) == (0, "removed 3v5@1\n")
    assert invoke("models", "list", "-q").out == "3v5@2\n"


def test_rm_of_several_removes_none_if_one_is_not_there(invoke):
    assert invoke("models", "rm", "3v5@1", "3v5@7", "--yes").code == 5
    assert invoke("models", "list", "-q").out == "3v5@1\n3v5@2\n"


def test_rm_spares_tagged_versions(invoke):
    invoke("models", "tag", "3v5@1", "paper")
    done = invoke("models", "rm", "3v5@2", "3v5@1", "--yes")
    assert done.code == 2
    assert "3v5@1 is tagged paper" in done.err
    assert invoke("models", "list", "-q").out == "3v5@1\n3v5@2\n"
    assert invoke("models", "rm", "3v5@1", "--yes", "--force").code == 0
