"""What only a process of its own can show: streams, signals, homes, exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.promise("Streams", "processes and what they were given")

COMMANDS = (
    "download", "train", "evaluate", "compare", "predict", "show", "draw", "models", "report", "doctor", "completion",
    "help", "version",
)  # fmt: skip
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else"
)


def test_version_is_one_line(run):
    done = run("--version")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"mnistcli \d+\.\d+\.\d+\n", done.out)
    assert run("-V").out == done.out


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help_names_every_command(run, arguments):
    done = run(*arguments)
    assert (done.code, done.err) == (0, "")
    for command in COMMANDS:
        assert command in done.out
    assert "Exit codes" in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(invoke, command):
    done = invoke(command, "-h")
    assert (done.code, done.err) == (0, "")
    assert command in done.out


NO_STDOUT = b"error: cannot write to standard output: Bad file descriptor\n"


def in_a_shell(line, **settings):
    """Run a line of bash in which ``mnistcli`` is this one."""
    program = f'mnistcli() {{ "{sys.executable}" -m mnistcli "$@"; }}; '
    done = subprocess.run(
        ["bash", "-c", program + line], capture_output=True, check=False, timeout=60, **settings
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "--help",
        "help json",
        "train --help",
        "show 7",
        "models list",
    ],
)
def test_a_closed_stdout_is_one_line(command):
    assert in_a_shell(f"mnistcli {command} >&-") == (3, b"", NO_STDOUT)


def test_no_file_gets_the_number_of_a_closed_stream(invoke):
    assert invoke("train", "0v1", "--limit", "50").code == 0
    assert in_a_shell("mnistcli evaluate -q >&- <&-") == (3, b"", NO_STDOUT)


def test_a_closed_stdin_is_an_input_that_cannot_be_read(invoke):
    assert invoke("train", "0v1", "--limit", "50").code == 0
    code, out, err = in_a_shell("mnistcli predict - <&-")
    assert (code, out, err) == (3, b"", b"error: cannot read -: Bad file descriptor\n")
    code, out, err = in_a_shell("mnistcli show - <&-")
    assert (code, out) == (3, b"")
    code, out, err = in_a_shell("mnistcli predict --files0 - <&-")
    assert (code, out) == (3, b"")
    assert err == b"error: cannot read the list of names -: Bad file descriptor\n"
    code, out, err = in_a_shell("mnistcli models rm 0v1@1 <&-")
    assert (code, out) == (2, b"")
    assert err.startswith(b"error: nobody is there to confirm the removal\n")
    assert in_a_shell("mnistcli evaluate -q <&-")[0] == 0


def test_a_closed_stderr_leaves_the_code():
    assert in_a_shell("mnistcli evaluate nothing 2>&-") == (5, b"", b"")
    assert in_a_shell("mnistcli evaluate nothing 2>&- >&- <&-") == (5, b"", b"")
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "mnistcli", "evaluate", "nothing"]
    assert subprocess.run(command, stderr=write, check=False).returncode == 5
    os.close(write)
    assert in_a_shell("mnistcli show 7 --tsv 2>&- | wc -l")[:2] == (0, b"2\n")


def test_what_an_encoding_has_not_is_written_out(run, tmp_path):
    env = {"PYTHONIOENCODING": "latin-1", "MNISTCLI_HOME": str(tmp_path / "\u65e5\xe9")}
    out = in_a_shell("mnistcli models path", env={**os.environ, **env})[1]
    assert out.endswith(b"/\\u65e5\xe9/models\n")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("typed", "answer"),
    [(b"n\n", "nothing removed"), (b"\x04", "nothing removed"), (b"Yes\n", "removed 0v1@1")],
)
def test_a_removal_is_asked_about(invoke, typed, answer):
    assert invoke("train", "0v1", "--limit", "50").code == 0
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "mnistcli", "models", "rm", "0v1@1"])
    said = b""
    while b"[y/N]" not in said:
        said += os.read(terminal, 65536)
    os.write(terminal, typed)
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65536):
            said += chunk
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert said.decode().splitlines()[-1] == answer
    assert (invoke("models", "list", "-q").out == "") == answer.startswith("removed")


def test_a_closed_pipe_ends_quietly_with_141():
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [sys.executable, "-m", "mnistcli", "show", "7"], stdout=write, stderr=subprocess.PIPE
    ) as process:
        os.close(write)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


def test_what_is_drawn_into_a_file_is_there_though_nobody_reads_the_answer(invoke, tmp_path):
    assert invoke("train", "0v1", "--limit", "100", "-q").code == 0
    read, write = os.pipe()
    os.close(read)
    words = ["evaluate", "0v1", "--curves", "--output", str(tmp_path / "curves.svg")]
    with os.fdopen(write, "wb") as stdout:
        command = [sys.executable, "-m", "mnistcli", *words]
        done = subprocess.run(command, stdout=stdout, check=False, timeout=60)
    assert done.returncode == 141
    assert (tmp_path / "curves.svg").read_text("utf-8").startswith("<svg")


def test_head_takes_three_lines_and_the_rest_is_141():
    command = f"{sys.executable} -m mnistcli show --count 1000 | head -3; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=60)
    *picture, code = done.stdout.decode().splitlines()
    assert (len(picture), code, done.stderr) == (3, "141", b"")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_kill_end_quietly_with_130_and_leave_nothing(tmp_path, stop):
    """Interrupt a download from a server that accepts and then says nothing."""
    home = tmp_path / "fresh"
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        command = ["download", "--source", url, "--dataset", "fashion-mnist"]
        with subprocess.Popen(
            [sys.executable, "-m", "mnistcli", "--home", str(home), *command],
            env={**os.environ, "PYTHONWARNINGS": ""},  # urllib leaves its socket to the collector
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A shell's background job has its children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - one thread
        ) as process:
            server.settimeout(60)
            connection, _ = server.accept()
            with connection:
                process.send_signal(stop)
                out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert [path.name for path in home.rglob("*") if path.is_file()] == [".fashion-mnist.lock"]


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
@pytest.mark.parametrize("after_s", [0.05, 0.15, 0.3])
def test_ctrl_c_while_other_processes_start_says_nothing(tmp_path, after_s):
    command = ["train", "pairs", "--limit", "3000", "--jobs", "2", "--no-save"]
    with subprocess.Popen(
        [sys.executable, "-m", "mnistcli", "--home", str(tmp_path), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - one thread
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None and len(children.read_text().split()) < 3:
            time.sleep(0.01)
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [("show", "7"), ("show", "7", "--tsv"), ("models", "path")])
def test_a_full_disk_behind_stdout_is_one_line(arguments):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "mnistcli", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: cannot write to standard output: No space left")


ARGUMENTS = pytest.mark.parametrize(
    "arguments",
    [("show", "7"), ("train", "--task", "0v1", "--limit", "100", "--name", "x"), ("--help",)],
    ids=lambda words: words[0],
)


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "NO_COLOR": "1"},
        {"PYTHONIOENCODING": "latin-1", "TERM": "dumb"},
    ],
    ids=str,
)
@ARGUMENTS
def test_no_encoding_makes_it_fail(run, env, arguments):
    done = run(*arguments, env=env)
    assert (done.code, done.err) == (0, "")
    assert done.out


@pytest.mark.parametrize(
    "env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "20"}, {"COLUMNS": "300"}], ids=str
)
@ARGUMENTS
def test_no_terminal_makes_it_fail(invoke, env, arguments):
    done = invoke(*arguments, env=env)
    assert (done.code, done.err) == (0, "")
    assert done.out


def test_a_pipe_is_never_cut(invoke):
    out = invoke("train", "--task", "0v1", "--limit", "100").out
    assert "…" not in out
    saved = next(line for line in out.splitlines() if line.startswith("Saved"))
    assert saved.endswith("1.safetensors")
    assert "\x1b" not in out


def on_a_terminal(arguments, env, columns=80, typed=b""):
    """Run a command on a pseudo-terminal and return what it wrote there.

    What is typed comes once it has said something.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": str(columns), **env})
        os.execv(sys.executable, [sys.executable, "-m", "mnistcli", *arguments])
    chunks = []
    while select.select([terminal], [], [], 60)[0]:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
        if typed:
            os.write(terminal, typed)
            typed = b""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return b"".join(chunks).decode()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_one_ctrl_d_ends_what_is_typed():
    drawing = b"..####\n.....#\n....#.\n...#..\n..#...\n..#...\n"
    command = ["predict", "-", "-m", "builtin", "--jsonl"]
    said = on_a_terminal(command, {}, typed=drawing + b"\x04")
    assert '"answer": "7"' in said


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_terminal_gets_colour_unless_it_does_not_want_it():
    assert "\x1b[38;5;" in on_a_terminal(["show", "7"], {})
    assert "\x1b[38;2;" in on_a_terminal(["show", "7"], {"COLORTERM": "truecolor"})
    plain = on_a_terminal(["show", "7"], {"NO_COLOR": "1"})
    assert "\x1b[3" not in plain
    assert "▀" not in plain
    assert "█" in plain


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_long_fit_shows_how_far_it_is():
    out = on_a_terminal(["train", "--task", "digits", "--no-save"], {}, columns=120)
    assert re.search(r"iteration \d+: gradient \d\.\de-\d\d of its start, goal \de-\d\d", out)
    assert re.search(r"92\.[567]\d % right", out)


def test_a_missing_home_is_made(invoke, tmp_path):
    home = tmp_path / "not" / "yet"
    done = invoke(
        "train", "--task", "0v1", "--limit", "100", "-q", env={"MNISTCLI_HOME": str(home)}
    )
    assert (done.code, done.out) == (0, "0v1@1\n")
    assert (home / "datasets" / "mnist" / "manifest.json").is_file()
    assert (home / "models" / "0v1" / "1.safetensors").is_file()


def test_the_option_wins_over_the_environment(invoke, tmp_path):
    done = invoke("--home", str(tmp_path / "there"), "models", "path")
    assert done.out == f"{tmp_path}/there/models\n"


def test_platform_folders_are_used_without_a_home_of_its_own(invoke, tmp_path):
    env = {"MNISTCLI_HOME": "", "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
    done = invoke("models", "path", env=env)
    assert done.out == f"{tmp_path}/data/mnistcli/models\n"


def test_a_home_that_is_a_file_is_named(invoke, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    env = {"MNISTCLI_HOME": str(tmp_path / "file")}
    done = invoke("train", "--task", "0v1", env=env)
    assert (done.code, done.out) == (3, "")
    error, hint = done.err.splitlines()
    assert error.startswith("error: cannot make the folder ")
    assert hint == "hint: choose another place with --home FOLDER or MNISTCLI_HOME=FOLDER"
    # looking needs no store
    assert invoke("show", "7", env=env).code == 0
    assert invoke("train", "--task", "0v1", "--limit", "50", "--no-save", env=env).code == 0


def test_a_disk_that_fills_up_loses_nothing(home):
    """The report is printed, the model that does not fit is named, and the old one stays."""
    command = [sys.executable, "-m", "mnistcli", "train", "--task", "0v1", "--limit", "100"]
    assert subprocess.run([*command, "-q"], capture_output=True, check=True).stdout == b"0v1@1\n"

    def allow_small_files_only():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        command, preexec_fn=allow_small_files_only, capture_output=True, check=False
    )
    assert done.returncode == 3
    assert done.stdout.decode().endswith("Not saved.\n")
    assert b"0v1/2.safetensors: File too large" in done.stderr
    versions = [path.name for path in (home / "models" / "0v1").iterdir()]
    assert versions == ["1.safetensors"]


@needs_root
def test_a_read_only_home_can_be_looked_at(home, invoke, tmp_path_factory):
    assert invoke("train", "--task", "0v1", "--limit", "100", "-q").code == 0
    for folder in (home, home / "models", home / "models" / "0v1"):
        folder.chmod(0o555)
    for folder in (home, *home.parents):
        folder.chmod(folder.stat().st_mode | 0o055)

    def as_nobody(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "mnistcli", *arguments],
            user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, check=False,
        )  # fmt: skip

    try:
        as_nobody("--version")
    except PermissionError:
        pytest.skip("nobody may not run this Python")
    assert as_nobody("evaluate", "-q").returncode == 0
    done = as_nobody("train", "--task", "0v1", "--limit", "100")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"Permission denied" in done.stderr
    assert as_nobody("models", "rm", "0v1@1", "--yes").returncode == 3
    assert invoke("models", "list", "-q").out == "0v1@1\n"


def test_too_little_memory_is_one_line(home):
    """All is imported before the limit, and nothing but the digits has to be found room for."""
    code = (
        "import resource, sys, mnistcli.training, mnistcli.cli.commands.train, mnistcli.cli.app as a\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + (40 << 20),) * 2)\n"
        "a.app(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "train", "digits", "--no-save", "--json"]
    env = os.environ | {"MNISTCLI_HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 3
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "not_enough_memory", (
        done.stderr
    )


def test_a_bug_keeps_its_traceback(monkeypatch, invoke):
    from mnistcli.registry.store import ModelRegistry

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(ModelRegistry, "summaries", broken)
    with pytest.raises(ZeroDivisionError):
        invoke("models", "list")
