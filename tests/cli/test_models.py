from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

import pytest

from mnistcli.cli.topics import read_topic
from mnistcli.datasets.catalog import CATALOG
from mnistcli.registry.model_file import Model, encode_model, read_model
from mnistcli.registry.store import ModelRegistry
from mnistcli.settings import SOLVERS


@pytest.fixture(autouse=True)
def two_models(invoke):
    for c in ("0.001", "1"):
        assert invoke("train", "--task", "3v5", "--limit", "300", "--C", c, "-q").code == 0


def test_list_shows_versions_and_tags(invoke):
    shown = invoke("models", "list").out
    assert " 3v5, C = 0.001 " in shown
    assert " digits, mnist+europeans, patches, C = 1 " in shown, "what was not asked for by itself"
    lines = [line.split() for line in shown.splitlines() if "@" in line]
    assert [line[0] for line in lines] == ["3v5@1", "3v5@2"]
    assert [line[-2:] for line in lines][1] == ["latest,", "best"]
    assert invoke("models", "list", "-q").out == "3v5@1\n3v5@2\n"
    assert invoke("models", "list", "nothing", "-q").out == ""


def test_a_narrow_list_breaks_no_word(invoke):
    shown = invoke("models", "list", env={"COLUMNS": "60"}).out.split()
    assert {"builtin", "part", "of", "mnistcli"} <= {*shown}


def test_info_tells_how_to_get_the_model_again(invoke, home):
    card = json.loads(invoke("models", "info", "3v5@1", "--json").out)["card"]
    assert card["settings"]["C"] == 0.001
    assert card["task"] == "3v5"
    out = invoke("models", "info").out
    names = [line.split("  ")[0] for line in out.splitlines() if line[:1].strip()]
    assert len({*names}) == len(names), "two facts are not called the same"
    for words in ("3v5@2", "latest, best", "L2 penalty, C = 1", "300 training", "sha256 934aebce"):
        assert words in out


def test_info_of_a_file_is_that_of_its_model(invoke, home, tmp_path):
    file = tmp_path / "theirs.safetensors"
    file.write_bytes((home / "models/3v5/1.safetensors").read_bytes())
    told = json.loads(invoke("models", "info", str(file), "--json").out)
    assert (told["model"], told["path"], told["tags"]) == (str(file), str(file), [])
    assert told["card"] == json.loads(invoke("models", "info", "3v5@1", "--json").out)["card"]
    assert invoke("models", "path", str(file)).out == f"{file}\n"
    for command in ("info", "path"):
        assert "no model file" in invoke("models", command, f"{file}x").err
    file.write_bytes(b"x")
    assert invoke("models", "info", str(file)).code == 4


def test_info_of_a_damaged_model_says_so_and_exits_as_other_commands_do(invoke, home):
    (home / "models/3v5/1.safetensors").write_bytes(b"x")
    done, judged = invoke("models", "info", "3v5@1"), invoke("evaluate", "3v5@1")
    assert (done.code, done.err) == (4, judged.err)
    assert re.search("^Problem .* no safetensors file", done.out, re.MULTILINE)
    assert json.loads(invoke("models", "info", "3v5@1", "--json").out)["problem"]
    assert invoke("models", "info", "3v5@1", "--cite").code == 4


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


def test_rm_only_shows_what_it_would_do(invoke):
    for options, shown in (((), " 3v5@1 "), (("-q",), "3v5@1\n"), (("--yes", "-q"), "3v5@1\n")):
        done = invoke("models", "rm", "3v5@1", "--dry-run", *options)
        assert done.code == 0
        assert shown in done.out
        assert done.err == ("" if options else "nothing removed\n")
    document = json.loads(invoke("models", "rm", "3v5@1", "--dry-run", "--json").out)
    assert document["dry_run"] is True
    assert [each["model"] for each in document["models"]] == ["3v5@1"]
    assert invoke("models", "rm", "3v5@7", "--dry-run").code == 5
    assert invoke("models", "tag", "3v5@1", "kept").code == 0
    assert invoke("models", "rm", "3v5@1", "--dry-run").code == 2
    assert invoke("models", "rm", "3v5@1", "--force", "--dry-run").code == 0
    assert "3v5@1\n" in invoke("models", "list", "-q").out
    removed = json.loads(invoke("models", "rm", "3v5@1", "--force", "--yes", "--json").out)
    assert "dry_run" not in removed


def test_rm_can_be_repeated_until_it_is_done(invoke):
    assert invoke("models", "rm", "3v5@1", "--yes").code == 0
    done = invoke("models", "rm", "3v5@1", "3v5@2", "--yes")
    assert (done.code, done.err) == (0, "removed 3v5@2\nremoved before: 3v5@1\n")
    done = invoke("models", "rm", "3v5@1", "3v5@2")
    assert (done.code, done.err) == (0, "nothing removed\nremoved before: 3v5@1, 3v5@2\n")


def test_rm_does_not_say_that_it_removed_what_another_process_did(invoke, monkeypatch):
    remove = ModelRegistry.remove
    both = lambda *given, **how: [remove(*given, **how) for _ in "ab"][1]  # noqa: E731
    monkeypatch.setattr(ModelRegistry, "remove", both)
    done = invoke("models", "rm", "3v5@1", "--yes", "--json")
    assert (done.code, done.err) == (0, "nothing removed\nremoved before: 3v5@1\n")
    assert json.loads(done.out)["models"] == []


def test_a_list_of_what_is_not_there_is_no_empty_list(invoke):
    done = invoke("models", "list", "3v6")
    assert (done.code, done.out) == (5, "")
    assert done.err == "error: there is no model '3v6'\nhint: did you mean 3v5?\n"
    assert invoke("models", "list", "3v5", "-q").out == "3v5@1\n3v5@2\n"


def test_rm_spares_tagged_versions(invoke):
    invoke("models", "tag", "3v5@1", "paper")
    done = invoke("models", "rm", "3v5@2", "3v5@1", "--yes")
    assert done.code == 2
    assert "3v5@1 is tagged paper" in done.err
    assert invoke("models", "list", "-q").out == "3v5@1\n3v5@2\n"
    assert invoke("models", "rm", "3v5@1", "--yes", "--force").code == 0


def test_an_export_to_standard_output(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("models", "export", "3v5@1", "--to", "json", "--output", "-")
    assert (json.loads(done.out)["model"], done.err) == ("3v5@1", "")
    for arguments in (("--to", "onnx"), ("--to", "json", "--json"), ("--to", "json", "--tsv")):
        done = invoke("models", "export", "3v5@1", *arguments, "-o", "-")
        assert (done.code, done.out) == (2, ""), arguments
    for arguments in (("show", "7"), ("report", "3v5"), ("evaluate", "3v5", "--mistakes", "1")):
        done = invoke(*arguments, "-o", "-")
        assert (done.code, done.out) == (2, ""), arguments
    assert not (tmp_path / "-").exists()


def test_export_says_what_the_file_is_good_for_and_what_it_costs(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("models", "export", "3v5@1", "--to", "joblib")
    assert (done.code, done.err) == (0, "")
    content = (tmp_path / "3v5-1.joblib").read_bytes()
    assert done.out == (
        f"Wrote     3v5-1.joblib, {len(content) / 1000:.1f} kB: 3v5@1 as joblib\n"
        "Good for  Python with the same scikit-learn, and mnistcli for features: rows of 784 pixels, 0 to 255\n"
        "Trust     loading it runs code from the file: load only what comes from somebody you trust\n"
        "Use       joblib.load('3v5-1.joblib').predict(images.reshape(-1, 784))\n"
        f"sha256    {hashlib.sha256(content).hexdigest()}\n"
    )
    assert invoke("models", "export", "--to", "json", "-q").out == "3v5-2.json\n"
    assert json.loads((tmp_path / "3v5-2.json").read_text())["card"]["settings"]["C"] == 1


def test_export_leaves_what_is_there(invoke, tmp_path):
    path = tmp_path / "model.json"
    path.write_text("mine")
    done = invoke("models", "export", "3v5", "--to", "json", "-o", str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {path} is there already\nhint: add --force, or choose another --output\n"
    )
    assert path.read_text() == "mine"
    assert invoke("models", "export", "3v5", "--to", "json", "-o", str(path), "--force").code == 0
    assert path.read_text() != "mine"
    assert invoke("models", "export", "3v5", "--to", "pmml").code == 2
    assert invoke("models", "export", "nothing", "--to", "json").code == 5


def test_export_of_a_file_and_in_tab_separated_values(invoke, home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = home / "models" / "3v5" / "2.safetensors"
    header, row = invoke("models", "export", str(file), "--to", "onnx", "--tsv").out.splitlines()
    named = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert (named["path"], named["format"], named["model"]) == ("2.onnx", "onnx", str(file))


def test_reproduce_says_that_the_same_comes_out(invoke):
    done = invoke("models", "reproduce", "3v5@1")
    assert (done.code, done.err) == (0, "")
    out = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", re.sub(r"\d+\.\d+ s", "N s", done.out))
    assert out == (
        "Model     3v5@1, trained TIME\n"
        "Again     in N s; not saved\n"
        "Weights   the same, bit for bit\n"
        "Answers   the same on all 1,902 test images\n"
        "Versions  the same\n"
    )
    assert invoke("models", "reproduce", "-q").out == "reproduced\n"
    assert invoke("models", "list", "-q").out == "3v5@1\n3v5@2\n"


def test_reproduce_ends_with_8_where_the_answers_differ(invoke, home, tmp_path):
    entry = home / "models" / "3v5" / "2.safetensors"
    model = read_model(entry)
    coef = model.classifier.coef.copy()
    coef[0, 400] += 3
    versions = {**model.card.versions, "numpy": "1.0"}
    other = Model(replace(model.classifier, coef=coef), replace(model.card, versions=versions))
    path = tmp_path / "other.safetensors"
    path.write_bytes(encode_model(other))
    done = invoke("models", "reproduce", str(path))
    assert done.code == 8
    n = re.search(r"Answers   differ on (\d+) of 1,902 test images", done.out)[1]
    assert f"error: {path} was not reproduced: {n} of 1,902 answers differ\n" in done.err
    assert "numpy 1.0 then, " in done.out
    assert "they are 3.0e+00 apart, NOT within the " in done.out
    assert invoke("models", "reproduce", str(path), "-q").out == "not reproduced\n"
    found = json.loads(invoke("models", "reproduce", str(path), "--json").out)
    assert (found["is_reproduced"], found["n_different"]) == (False, int(n))


def test_what_made_a_model_is_cited(invoke):
    """Entries are found by the words in the line above them; everything that can be used has one."""
    topic = read_topic("citing")
    words = {*re.findall(r"`(.*?)`", topic)}
    further = {
        "patches",
        "expansion",
        "deskew",
        "copies",
        "pairs",
        "--C auto",
        "compare",
        "evaluate",
    }
    drawn_by_us = {"europeans"}
    assert {*SOLVERS, *CATALOG, *further} - drawn_by_us <= words
    entries = dict(re.findall(r"^@\w+\{(\w+),\n(.*?)^\}$", topic, re.MULTILINE | re.DOTALL))
    assert len(entries) == topic.count("\n@")
    for fields in entries.values():
        assert fields.count("{") == fields.count("}")
        assert {"title", "author", "year"} <= {*re.findall(r"(\w+) += ", fields)}

    def cited(*arguments):
        done = invoke("models", "info", *arguments, "--cite")
        assert (done.code, done.err) == (0, "")
        assert "VERSION" not in done.out
        return {*re.findall(r"^@\w+\{(\w+),", done.out, re.MULTILINE)}

    always = {"mnistcli", "wilson1927", "lecun1998gradient"}
    ours = {"liu1989", "byrd2011", "friedman2010"}
    copies = {"simard2003"}
    assert cited("builtin") == always | ours | {"coates2011", "liu2004normalization"} | copies
    train = ["train", "0v1", "--limit", "100", "-q"]
    invoke(*train, "--solver", "saga", "--max-iter", "5")
    assert cited() == always | {"pedregosa2011", "schmidt2017", "defazio2014"}
    invoke(*train, "--C", "auto", "--features", "deskew")
    assert cited("0v1@2") == always | ours | {"breiman1984"}
    assert "version" in invoke("models", "info", "--cite").out
    refused = invoke("models", "info", "--cite", "--json")
    assert (refused.code, refused.out) == (2, "")
