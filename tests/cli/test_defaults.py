"""Defaults of the user's own: from the environment, from defaults.toml, and what gives way to what."""

from __future__ import annotations

import json

import pytest

from mnistcli.cli import defaults
from mnistcli.cli.app import COMMANDS, read_command
from mnistcli.cli.topics import read_topic


@pytest.fixture
def in_file(home):
    def write(text):
        home.mkdir(exist_ok=True)
        path = home / "defaults.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def all_options(command):
    yield from (each.name for each in command.params)
    for below in getattr(command, "commands", {}).values():
        yield from all_options(below)


def test_every_default_is_an_option_of_some_command():
    names = {name for text in COMMANDS.values() for name in text}
    options = {option for name in names for option in all_options(read_command(name))}
    assert options >= {*defaults.FORM, *defaults.OF_TRAIN}
    train = {each.name for each in read_command("train").params}
    assert train >= {*defaults.OF_TRAIN}
    topic = read_topic("defaults")
    for name in (*defaults.FORM, *defaults.OF_TRAIN):
        assert f"`{name.replace('_', '-')}`" in topic


def test_the_command_line_is_before_the_environment_and_that_before_the_file(invoke, in_file):
    in_file('format = "csv"\n')
    variable = {"MNISTCLI_FORMAT": "markdown"}
    assert invoke("models", "list").out.startswith("model,tags,")
    assert invoke("models", "list", env=variable).out.startswith("| model | tags |")
    assert invoke("models", "list", "--tsv", env=variable).out.startswith("model\ttags\t")
    assert invoke("models", "list", "--format", "tsv").out.startswith("model\ttags\t")
    assert invoke("models", "list", "-q").out == ""
    assert json.loads(invoke("models", "list", "--json", env=variable).out)


def test_what_excludes_a_default_wins(invoke, in_file):
    in_file('format = "json"\njobs = 2\npreset = "better"\n')
    assert invoke("doctor", "--format", "markdown").out.startswith("| what | value |")
    command = ("train", "0v1", "--limit", "20", "--features", "pixels", "--no-save")
    done = invoke(*command, "--tsv")
    assert "\tpixels\t" in done.out
    assert "--preset" not in done.err
    assert invoke(*command, "-q", env={"MNISTCLI_VERBOSE": "1"}).err == ""
    in_file('jobs = 2\ncluster = "local"\n')
    done = invoke(*command)
    assert done.code == 2
    assert "--cluster and --jobs exclude each other\nhint: see mnistcli doctor" in done.err


def test_a_default_of_figures_and_clusters_asks_for_neither(invoke, in_file, tmp_path):
    in_file("width-mm = 60\ndark = true\n")
    assert invoke("show", "7", "-q").code == 0
    path = tmp_path / "x.svg"
    assert invoke("show", "7", "-o", str(path)).err.startswith(f"wrote {path}, 60 x ")
    assert invoke("show", "7", "--scale", "1").code == 2
    in_file('tls-ca = "nothing.pem"\n')
    assert invoke("train", "0v1", "--limit", "20", "--no-save", "-q").code == 0


def test_what_changes_the_answer_is_said(invoke, in_file):
    path = in_file('class-weight = "balanced"\n')
    done = invoke("train", "0v1", "--limit", "20")
    assert (done.code, done.err) == (0, "")
    assert "balanced class weights" in done.out
    done = invoke("train", "0v1", "--limit", "20", "-q")
    assert done.err == f"warning: --class-weight balanced is your default, from {path}\n"
    card = json.loads(invoke("models", "info", "--json").out)["card"]
    assert card["command"].startswith("MNISTCLI_CLASS_WEIGHT=balanced mnistcli")
    assert invoke("curve", "-t", "0v1", "--limit", "20,40", "--tsv").out.count("balanced") == 0


def test_other_variables_are_left_alone(invoke):
    env = {"MNISTCLI_SEED": "7", "MNISTCLI_DATASET": "kmnist", "MNISTCLI_FORMAT": ""}
    (row,) = invoke("show", "7", "--tsv", env=env).out.splitlines()[1:]
    assert row == invoke("show", "7", "--tsv").out.splitlines()[1]
    assert invoke("evaluate", "--dataset", "mnist", env=env).code in (0, 5)


def test_a_variable_that_is_none_of_ours_is_told(invoke):
    env = {"MNISTCLI_RENDRE": "7"}
    said = "MNISTCLI_RENDRE is no variable of mnistcli: see mnistcli help defaults\n"
    assert said in invoke("show", "7", "--tsv", env=env).err
    assert said not in invoke("models", "list", "-q", env=env).err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs = \n", "Invalid value (at line 1, column 8)"),
        ("[[[\n", "line 1"),
        (b"format = '\xff'\n", "invalid start byte"),
        ("jobs = " + "[" * 5000, "recursion"),
        ("seed = 1\n", "seed is no option with a default of yours"),
        ("home = 'x'\n", "home is no option with a default of yours"),
        ("[train]\npreset = 'best'\n", "train is no option with a default of yours"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(invoke, in_file, text, message):
    path = in_file(text)
    done = invoke("models", "list")
    assert (done.code, done.out) == (2, "")
    error = done.err.splitlines()[0]
    assert error.startswith(f"error: {path}: ")
    assert message in error
    assert invoke("models", "list", "--help").code == 0
    assert invoke("help").code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs = 1.5", "'--jobs': '1.5' is no whole number"),
        ("jobs = [1]", "'--jobs': '[1]' is no whole number"),
        ("jobs = 2020-01-01", "'--jobs': '2020-01-01' is no whole number"),
        ("jobs = true", "'--jobs': 'True' is no whole number"),
        ("verbose = 'maybe'", "'--verbose' / '-v': 'maybe' is no yes or no, from "),
        ("preset = 'bst'", "'--preset': 'bst' is not one of"),
        ("jobs = 0", "0 jobs make no sense"),
        ("memory = 2", "--memory = 2 makes no sense, from "),
    ],
)
def test_a_wrong_value_names_where_it_is_from(invoke, in_file, text, message):
    path = in_file(text)
    error = invoke("train", "0v1").err.splitlines()[0]
    assert message in error
    assert error.endswith(f", from {path}")
    name, _, value = text.partition(" = ")
    env = {f"MNISTCLI_{name.upper()}": value}
    assert (
        invoke("train", "0v1", env=env)
        .err.splitlines()[0]
        .endswith(f", from MNISTCLI_{name.upper()}")
    )


def test_a_file_may_begin_with_a_byte_order_mark(invoke, in_file):
    in_file(b"\xef\xbb\xbfformat = 'json'\n")
    assert json.loads(invoke("models", "list").out)["schema"] == "mnistcli.models"


def test_a_folder_in_its_place_is_one_line(invoke, home):
    (home / "defaults.toml").mkdir(parents=True)
    done = invoke("models", "list")
    assert done.code == 4
    assert "defaults.toml: is not a file" in done.err


def test_doctor_says_which_are_set_and_where(invoke, in_file):
    path = in_file("width-mm = 60\njobs = 2\n")
    env = {"MNISTCLI_JOBS": "3"}
    rows = [line.split("\t") for line in invoke("doctor", "--tsv", env=env).out.splitlines()]
    assert [row[1] for row in rows if row[0] == "Defaults"] == [
        f"--width-mm 60, from {path}",
        "--jobs 3, from MNISTCLI_JOBS",
    ]
    found = json.loads(invoke("doctor", "--json", env=env).out)["defaults"]
    assert found[1] == {"option": "jobs", "value": "3", "origin": "MNISTCLI_JOBS"}


def test_the_file_is_in_the_platforms_folder(run, tmp_path):
    folder = tmp_path / "config" / "mnistcli"
    folder.mkdir(parents=True)
    (folder / "defaults.toml").write_text('format = "csv"\n')
    env = {"MNISTCLI_HOME": "", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert run("models", "list", env=env).out.startswith("model,tags,")
