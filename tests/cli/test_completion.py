"""What Tab offers, asked in the way that the shells' scripts ask, and by the shells themselves."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time

import pytest

from mnistcli.cli import completion, topics
from mnistcli.cli.commands.completion import FOLDER
from mnistcli.datasets.catalog import CATALOG
from mnistcli.tasks import parse_task

ASK = {"_MNISTCLI_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}


@pytest.fixture
def models(home):
    """Names are all that counts here: the files are empty."""
    for name, version in (("0v1", 1), ("0v1", 2), ("0v7", 1), ("digits", 1)):
        path = home / "models" / name / f"{version}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (home / "models" / "empty").mkdir()
    (home / "own" / "mine").mkdir(parents=True)
    (home / "own" / "mine" / "manifest.json").touch()


@pytest.fixture
def ask(invoke, models, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)  # and put back: `prepare` is for a whole process
    completion.prepare()

    def ask_(line):
        done = invoke(env={**ASK, "_TYPER_COMPLETE_ARGS": line})
        assert (done.code, done.err) == (0, "")
        return [answer.partition("\t")[0] for answer in done.out.splitlines() if answer]

    return ask_


def test_commands_and_options(ask):
    assert ask("mnistcli ev") == ["evaluate"]
    assert {"list", "info", "export", "reproduce"} <= set(ask("mnistcli models "))
    assert ask("mnistcli train --pen") == ["--penalty"]
    assert ask("mnistcli train --solver newton-") == ["newton-cg", "newton-cholesky"]
    assert ask("mnistcli models export --to ") == ["html", "joblib", "json", "onnx", "skops"]
    assert ask("mnistcli completion ") == ["bash", "zsh", "fish"]
    assert {"train", "models", *topics.topics()} <= set(ask("mnistcli help "))
    assert (
        ask("mnistcli train 4v")
        == ask("mnistcli train -t 4v")
        == ["4v5", "4v6", "4v7", "4v8", "4v9", "4vrest"]
    )


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("evaluate ", ["0v1", "0v7", "digits", "builtin"]),
        ("evaluate 0v", ["0v1", "0v7"]),
        ("evaluate 0v1@", ["0v1@1", "0v1@2", "0v1@latest", "0v1@best"]),
        ("evaluate 0v1@l", ["0v1@latest"]),
        ("evaluate nothing@", []),
        ("evaluate ../", []),
        ("evaluate ../x@", []),
        ("predict x.png --model dig", ["digits"]),
        ("predict --model=dig", ["digits"]),
        ("predict -m ", ["0v1", "0v7", "digits", "builtin"]),
        ("show --weights d", ["digits"]),
        ("show --mistakes 0v1@2", ["0v1@2"]),
        ("models rm 0v1@1 0v7", ["0v7"]),
        ("models list d", ["digits"]),
        ("train --task dig", ["digits"]),
        ("train --task 8v", ["8v9", "8vrest"]),
        ("train -t pai", ["pairs"]),
        ("train --dataset k", ["kmnist"]),
        ("download --dataset fa", ["fashion-mnist"]),
        ("download --source k", ["keras"]),
        ("show --dataset q", ["qmnist"]),
        ("evaluate --dataset q", ["qmnist"]),
        ("train --dataset m", ["mnist", "mine"]),
        ("train --dataset mnist+m", ["mnist+mine"]),
        ("train --dataset ", [*CATALOG, "mine"]),
        ("predict ", []),
    ],
)
def test_names(ask, line, answers):
    assert ask(f"mnistcli {line}") == answers


def test_tags_of_ones_own(models, invoke, home, request):
    shutil.rmtree(home / "models" / "digits")
    assert invoke("train", "--task", "digits", "--limit", "100", "-q").code == 0
    assert invoke("models", "tag", "digits@1", "paper").code == 0
    ask = request.getfixturevalue("ask")
    assert ask("mnistcli show --weights digits@p") == ["digits@paper"]


def test_another_home(ask, tmp_path):
    other = tmp_path / "other" / "models" / "mine"
    other.mkdir(parents=True)
    (other / "1.safetensors").touch()
    home = tmp_path / "other"
    assert ask(f"mnistcli --home {home} evaluate ") == ["mine", "builtin"]
    assert ask(f"mnistcli --home={home} evaluate mine@1") == ["mine@1"]
    assert ask("mnistcli --home /nowhere evaluate ") == ["builtin"]


def test_the_lists_are_complete():
    names = completion.tasks()
    assert len(names) == len(set(names)) == 3 + 45 + 10
    assert [parse_task(name).name for name in names] == names


@pytest.mark.parametrize("line", ["evaluate 0", "train --task ", "download --dataset ", ""])
def test_nothing_heavy_is_loaded(home, models, line):
    code = "import sys; from mnistcli.__main__ import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    env = {**os.environ, **ASK, "_TYPER_COMPLETE_ARGS": f"mnistcli {line}"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    loaded = set(done.stderr.decode().split())
    assert not loaded & {"numpy", "PIL", "rich.console", "typer.rich_utils", "sklearn", "pandas"}
    assert done.stdout


# ---------------------------------------------------------------------------- the shells themselves


@pytest.fixture
def bin_dir(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "mnistcli"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mnistcli "$@"\n')
    program.chmod(0o755)
    return folder


needs = {
    shell: pytest.mark.skipif(not shutil.which(shell), reason=f"no {shell} here")
    for shell in ("bash", "zsh", "fish")
}


def replies(bin_dir, tmp_path, line, *, shell="bash"):
    """Ask bash's completion function as bash does after Tab."""
    (tmp_path / "script").write_text((FOLDER / "mnistcli.bash").read_text())
    code = f"""
        source {tmp_path}/script
        COMP_LINE={line!r} COMP_POINT={len(line)}
        _mnistcli mnistcli
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    env = {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"}
    done = subprocess.run(
        [shell, "--norc", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@needs["bash"]
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mnistcli evaluate ", ["0v1", "0v7", "digits", "builtin"]),
        # what stands before the last word break is on the line already
        ("mnistcli evaluate 0v1@", ["@1", "@2", "@latest", "@best"]),
        ("mnistcli predict --model=0v1@l", ["@latest"]),
        ("mnistcli predict --model=d", ["digits"]),
        ("mnistcli predict ", []),
    ],
)
def test_bash_gets_what_it_puts_on_the_line(bin_dir, tmp_path, models, line, words):
    assert replies(bin_dir, tmp_path, line) == words


def typed(shell, steps):
    """Type into an interactive shell, each time until something appears; return all of it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execvp(shell[0], shell)
    shown = ""
    try:
        for keys, expected in steps:
            os.write(terminal, keys.encode())
            new, deadline = "", time.monotonic() + 30
            while expected not in new and time.monotonic() < deadline:
                if select.select([terminal], [], [], 0.1)[0]:
                    new += os.read(terminal, 65536).decode()
            assert expected in new, shown + new
            shown += new
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


@needs["bash"]
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_tab_in_a_bash_with_a_person(bin_dir, tmp_path, models):
    (tmp_path / "rc").write_text(
        f'PATH={bin_dir}:$PATH\neval "$(mnistcli completion bash)"\necho ready\n'
    )
    shell = ["bash", "--noprofile", "--rcfile", str(tmp_path / "rc"), "-i"]
    typed(
        shell,
        [
            ("", "ready"),
            ("mnistcli evaluate dig\t", "evaluate digits "),
            ("\x15mnistcli evaluate 0v1@l\t", "latest "),
            ("\x15mnistcli predict --model=0v7@b\t", "best "),
            ("\x01echo \n", "\nmnistcli predict --model=0v7@best\r\n"),
        ],
    )


@needs["fish"]
def test_fish_completes_names_and_files(bin_dir, tmp_path, models):
    (tmp_path / "mnistcli.fish").write_text((FOLDER / "mnistcli.fish").read_text())
    (tmp_path / "seven.png").touch()

    def completed(line):
        code = f"source mnistcli.fish; complete -C {line!r}"
        env = {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"}
        ask = ["fish", "--no-config", "-c", code]
        done = subprocess.run(
            ask, env=env, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return [answer.partition("\t")[0] for answer in done.stdout.splitlines()]

    assert completed("mnistcli predict --model=dig") == ["--model=digits"]
    assert completed("mnistcli predict sev") == ["seven.png"]
    assert completed("mnistcli report --output=sev") == ["--output=seven.png"]
    assert completed("mnistcli predict nothing") == []


@needs["zsh"]
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_tab_in_a_zsh_with_a_person(bin_dir, tmp_path, models):
    (tmp_path / "seven.png").touch()
    start = f"PATH={bin_dir}:$PATH; cd {tmp_path}; autoload -Uz compinit; compinit -u -D"
    typed(
        ["zsh", "-f", "-i"],
        [
            (f"{start}; eval \"$(mnistcli completion zsh)\"; echo rea''dy\n", "ready"),
            ("mnistcli evaluate dig\t", "its"),
            ("\x15mnistcli predict sev\t", "en.png"),
        ],
    )
