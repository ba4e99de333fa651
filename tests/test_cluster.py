"""Jobs on a Dask cluster: the commands of the topic, as processes, and what can go wrong there."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import distributed
import numpy as np
import psutil
import pytest

from mnistcli import cluster
from mnistcli.cli.topics import read_topic
from mnistcli.errors import BadImageError, ClusterError
from mnistcli.features import FeatureSpec
from mnistcli.features.copies import MadeRows
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.model_selection.design import DesignMatrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.parallel import map_jobs
from mnistcli.settings import SolverSettings, SplitSpec
from mnistcli.tasks import parse_task

ROOT = Path(__file__).parents[1]
COMMANDS = re.findall(r"^```\n((?:openssl|dask) .*)\n```$", read_topic("cluster"), re.MULTILINE)
MAKE_CERTIFICATE, SCHEDULER, WORKERS = COMMANDS

# Python leaves a socket open that its peer dies on while ssl wraps it, and Dask tries again and
# again: whichever try meets the dying scheduler would fail the test that runs.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


class Machines:
    """A scheduler and workers, started by the commands of the topic, on ports of loopback."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        subprocess.run(shlex.split(MAKE_CERTIFICATE), cwd=folder, check=True, capture_output=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])
        self.address = f"tls://127.0.0.1:{self.port}"
        self.start(f"{SCHEDULER} --host 127.0.0.1")

    def start(self, command, **env):
        words = command.replace("HOST", "127.0.0.1").replace("8786", self.port).split()
        bin_ = Path(sys.executable).parent
        with (self.folder / f"{len(self.started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, bin_ / words[0], *words[1:]],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", **env},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def certificates(self, folder=None):
        names = {"tls_ca": "cert", "tls_cert": "cert", "tls_key": "key"}
        return {name: (folder or self.folder) / f"{file}.pem" for name, file in names.items()}

    def options(self):
        words = ["--cluster", self.address]
        for name, file in self.certificates().items():
            words += [f"--{name.replace('_', '-')}", str(file)]
        return words

    def joined(self):
        return cluster.lend_cluster(self.address, **self.certificates())

    @contextlib.contextmanager
    def client(self):
        files = {
            "tls_ca_file": "cert.pem",
            "tls_client_cert": "cert.pem",
            "tls_client_key": "key.pem",
        }
        security = distributed.Security(
            **{name: str(self.folder / file) for name, file in files.items()}
        )
        with distributed.Client(self.address, security=security, set_as_default=False) as client:
            yield client

    def stop(self):
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    started = Machines(tmp_path_factory.mktemp("machines"))
    try:
        started.start(WORKERS)
        with started.client() as client:
            client.wait_for_workers(2, timeout=60)
        yield started
    finally:
        started.stop()


def without_costs(text):
    document = json.loads(text)
    del document["fit"]["fit_seconds"], document["peak_memory_bytes"]
    return document


@pytest.mark.parametrize(
    "arguments",
    ["train 3v8 --limit 300 --cv 3", "train 3v8 --limit 300 --C auto", "train pairs --limit 300"],
)
def test_jobs_on_a_cluster_give_the_same_bits(invoke, machines, arguments):
    words = [*arguments.split(), "--no-save", "--json"]
    there = invoke(*words, *machines.options())
    assert (there.code, there.err) == (0, "")
    assert without_costs(there.out) == without_costs(invoke(*words).out)


def _sleep(array, i, folder):
    """Work at a slow piece, and leave a file behind when it has begun and when it is done."""
    (folder / f"{i} begun").touch()
    for _ in range(1000 * (i > 0)):
        time.sleep(0.01)
    (folder / f"{i} done").touch()
    return i


def _killed_the_first_time(array, i, folder):
    with contextlib.suppress(FileExistsError):
        (folder / f"{i}").touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)
    return int(array.sum()) + i


def _killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def _failing(i):
    return 1 // i


def _refusing(i):
    raise BadImageError("x.png", "is blank", hint="draw")


LARGE = np.ones(2_000_000, np.uint8)


def test_what_a_killed_worker_had_is_sent_and_done_again(machines, tmp_path):
    calls = [(LARGE, i, tmp_path) for i in range(2)]
    with machines.joined():
        assert list(map_jobs(_killed_the_first_time, calls, 1)) == [2_000_000, 2_000_001]


def test_work_that_kills_every_worker_is_given_up(machines):
    with machines.joined(), pytest.raises(ClusterError, match="died again and again"):
        list(map_jobs(_killed, [(1,), (2,)], 1))


def test_an_error_on_a_worker_is_raised_in_its_place(machines):
    with machines.joined():
        results = map_jobs(_failing, [(1,), (0,)], 1)
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_an_error_of_ours_keeps_its_hint_on_the_way(machines):
    with machines.joined(), pytest.raises(BadImageError) as caught:
        list(map_jobs(_refusing, [(1,), (0,)], 1))
    assert (caught.value.problem, caught.value.hint) == ("is blank", "draw")


def until(condition, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def _tasks(dask_scheduler):
    return [task.state for task in dask_scheduler.tasks.values()]


def _its_tasks(dask_worker):  # asked itself: what the scheduler has heard is up to a second old
    return [task.state for task in dask_worker.state.tasks.values()]


def assert_nothing_is_left(machines):
    with machines.client() as client:
        until(lambda: not client.run_on_scheduler(_tasks), 20)
        until(lambda: not any(client.run(_its_tasks).values()), 20)


def ended(folder, word):
    return {each.name[0] for each in folder.glob(f"* {word}")}


def test_who_takes_no_more_leaves_no_work_behind(machines, tmp_path):
    with machines.joined():
        results = map_jobs(_sleep, [(LARGE, i, tmp_path) for i in range(4)], 1)
        next(results)  # what Dask begins with is its own choice
        until(lambda: ended(tmp_path, "begun") - ended(tmp_path, "done"))
        results.close()
        done = ended(tmp_path, "done")
    assert_nothing_is_left(machines)
    assert ended(tmp_path, "done") == done
    assert "0" in done
    assert len(done) < 4


def interrupted(words, wait):
    """Start mnistcli, send Ctrl-C as a terminal does, to all of it, and see it end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mnistcli", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A job in the background, as the tests may be, would ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        until(lambda: wait(process))
        others = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"")
        assert process.returncode == 130
        assert psutil.wait_procs(others, timeout=20)[1] == []
    finally:
        process.kill()


def test_ctrl_c_ends_the_work_on_other_machines(machines):
    words = ["train", "digits", "--cv", "2", *machines.options()]
    assert_nothing_is_left(machines)
    with machines.client() as client:
        interrupted(words, lambda _: "processing" in client.run_on_scheduler(_tasks))
    assert_nothing_is_left(machines)


def test_ctrl_c_ends_workers_on_this_machine_while_they_start(home):
    words = ["train", "digits", "--cv", "2", "--cluster", "local:2"]
    interrupted(words, lambda process: len(psutil.Process(process.pid).children()) == 3)


@pytest.fixture
def blocks(monkeypatch):
    """Let a few thousand rows be too many for one block, and too many to be held as floats."""
    monkeypatch.setattr("mnistcli.linear_model.newton.MAX_COPY_BYTES", 0)
    monkeypatch.setattr("mnistcli.linear_model.problem.MOST_ROWS_OF_ONE", 1000)


def fit_of(mnist, kind=""):
    """Fit rows that are made where they are, or those that have an optimum without a penalty."""
    if kind in ("feature_ranges", "is_separated"):
        rng = np.random.default_rng(0)
        X, y = rng.integers(0, 256, (2000, 5), dtype=np.uint8), rng.integers(0, 3, 2000)
        settings = SolverSettings(penalty="none", solver="newton", tol=1e-5)
        return fit_classifier(X, y, settings, parse_task("0v1v2"))[1]
    task = parse_task("digits")
    samples = training_samples(mnist, task, SplitSpec(limit=1000))
    rows = MadeRows(samples.images, samples.index, FeatureSpec(n_copies=1), None, 0)
    design = DesignMatrix(rows, samples.y, n_copies=1)
    return fit_classifier(*design.with_copies(), SolverSettings(tol=1e-5), task)[1]


def assert_same_bits(fit, other):
    assert fit.certificate == other.certificate
    assert np.array_equal(fit.coef, other.coef)
    assert np.array_equal(fit.intercept, other.intercept)


def test_one_fit_in_blocks_on_workers_has_the_bits_of_one_here(machines, mnist, blocks):
    with machines.joined():
        there = fit_of(mnist)
    assert_same_bits(there, fit_of(mnist))


@pytest.mark.torture
@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_any_number_of_workers_gives_the_same_bits(mnist, blocks, n_workers):
    with cluster.lend_cluster(f"local:{n_workers}"):
        there = fit_of(mnist)
    assert_same_bits(there, fit_of(mnist))


KINDS = ("probe", "arrive", "hessian_rows", "intercept_sums", "feature_ranges", "is_separated")
EACH_KIND = ["arrive", *(pytest.param(kind, marks=pytest.mark.torture) for kind in KINDS)]


@pytest.mark.parametrize("kind", EACH_KIND)
@pytest.mark.parametrize("after_s", [0.0, pytest.param(0.02, marks=pytest.mark.torture)])
def test_a_fit_does_without_a_worker_that_is_killed(
    machines, mnist, blocks, monkeypatch, kind, after_s
):
    """One dies before a round of every kind, or during it."""
    here, left = fit_of(mnist, kind), [kind] * (3 if kind == "arrive" else 1)
    ask = cluster._Parts.map

    def map_(self, function, *arguments):
        if function.__name__ in left and left.pop() and not left:
            pid = next(iter(self.cluster.client.run(os.getpid).values()))
            threading.Timer(after_s, os.kill, (pid, signal.SIGKILL)).start()
            time.sleep(0.0 if after_s else 0.1)
        return ask(self, function, *arguments)

    monkeypatch.setattr(cluster._Parts, "map", map_)
    with machines.joined():
        there = fit_of(mnist, kind)
    assert left == []
    assert there.certificate.converged
    assert there.certificate.objective == pytest.approx(here.certificate.objective, rel=2e-5)


def test_a_fit_goes_on_where_all_workers_had_gone_and_others_come(
    lonely, mnist, blocks, monkeypatch
):
    """What is meant for a worker, and finds none at all, Dask keeps for that one for ever."""
    one = WORKERS.replace("--nworkers 2", "--no-nanny")
    first, others = lonely.start(one), []
    monkeypatch.setattr(cluster, "PATIENCE_S", 30.0)
    ask = cluster._Parts.map

    def map_(self, function, *arguments):
        if not others:
            first.kill()
            until(lambda: not self.cluster.client.nthreads())
            others.append(threading.Timer(1.0, lonely.start, (one,)))
            others[0].start()
        return ask(self, function, *arguments)

    monkeypatch.setattr(cluster._Parts, "map", map_)
    with lonely.joined():
        there = fit_of(mnist)
    assert_same_bits(there, fit_of(mnist))


@pytest.fixture
def lonely(tmp_path):
    """A scheduler without workers."""
    machines = Machines(tmp_path)
    try:
        with machines.client():
            yield machines
    finally:
        machines.stop()


def test_a_cluster_whose_workers_are_gone_is_an_error(lonely, invoke, monkeypatch, home):
    worker = lonely.start(WORKERS.replace("--nworkers 2", "--no-nanny"))
    with lonely.client() as client:
        client.wait_for_workers(1, timeout=60)
    monkeypatch.setattr(cluster, "PATIENCE_S", 3.0)
    submitted = cluster._Cluster.submit

    def then_killed(*arguments):
        future = submitted(*arguments)
        worker.kill()
        return future

    monkeypatch.setattr(cluster._Cluster, "submit", then_killed)
    done = invoke("train", "3v8", "--limit", "300", "--cv", "2", *lonely.options())
    assert (done.code, done.out) == (10, "")
    assert done.err.startswith("error: nobody on the cluster has worked for 3 s\nhint: ")
    done = invoke("train", "3v8", "--limit", "300", *lonely.options())
    assert (done.code, done.out) == (10, "")
    assert done.err.count("\n") == 2
    assert "0/1 workers" in done.err
    assert not [*(home / "models").rglob("*.safetensors")]


def test_a_scheduler_that_dies_is_an_error(lonely, monkeypatch):
    lonely.start(WORKERS.replace("--nworkers 2", "--no-nanny"))
    monkeypatch.setattr(cluster, "CONNECT_S", 2.0)
    with lonely.joined():
        lonely.stop()
        with pytest.raises(ClusterError, match="scheduler of the cluster is gone"):
            list(map_jobs(_failing, [(1,), (1,)], 1))


def test_a_scheduler_that_dies_is_missed_while_its_client_closes(lonely, monkeypatch):
    """Dask goes on trying for a while; then what is sent fails before it says that it is closed."""
    lonely.start(WORKERS.replace("--nworkers 2", "--no-nanny"))
    monkeypatch.setattr(cluster, "CONNECT_S", 2.0)
    with lonely.joined():
        client = cluster.elsewhere.get().client
        close = client.rpc.close

        async def close_slowly():
            await close()
            await asyncio.sleep(1)

        monkeypatch.setattr(client.rpc, "close", close_slowly)
        lonely.stop()
        with pytest.raises(ClusterError, match="scheduler of the cluster is gone"):
            list(map_jobs(_failing, [(np.zeros(cluster.LARGE_BYTES),)] * 2, 1))


def test_other_versions_are_refused(lonely, tmp_path):
    about = tmp_path / "mnistcli-9.9.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: mnistcli\nVersion: 9.9\n")
    lonely.start(WORKERS.replace("--nworkers 2", "--no-nanny"), PYTHONPATH=f"{tmp_path}:{ROOT}")
    with lonely.client() as client:
        client.wait_for_workers(1, timeout=60)
    with (
        pytest.raises(ClusterError, match=r"tls://.* has mnistcli 9.9, here it is"),
        lonely.joined(),
    ):
        pass


def test_another_authority_is_refused(machines, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 2.0)
    subprocess.run(shlex.split(MAKE_CERTIFICATE), cwd=tmp_path, check=True, capture_output=True)
    options = machines.certificates(tmp_path)
    with (
        pytest.raises(ClusterError, match=r"cannot reach .*CERTIFICATE"),
        cluster.lend_cluster(machines.address, **options),
    ):
        pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--cluster tcp://192.0.2.1:8786", "tcp://192.0.2.1:8786 is plain tcp to another machine"),
        ("--cluster tcp://example.com:8786", "tcp://example.com:8786 is plain tcp to another"),
        ("--cluster tcp://[2001:db8::1]:8786", "tcp://[2001:db8::1]:8786 is plain tcp to another"),
        ("--cluster local:0", "'local:0' is no cluster"),
        ("--cluster local:-1", "'local:-1' is no cluster"),
        ("--cluster local:two", "'local:two' is no cluster"),
        ("--cluster http://127.0.0.1:80", "'http://127.0.0.1:80' is no cluster"),
        ("--cluster tls://127.0.0.1", "'tls://127.0.0.1' is no cluster"),
        ("--insecure", "--insecure goes with --cluster"),
        ("--tls-ca ca.pem", "--tls-ca goes with --cluster"),
        ("--cluster local --jobs 2", "--cluster and --jobs exclude each other"),
    ],
)
def test_what_makes_no_sense_or_is_not_safe_is_refused(invoke, options, message):
    done = invoke("train", "0v1", *options.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")
    assert done.err.count("\n") == 2


@pytest.mark.parametrize("address", ["tcp://localhost:1", "tcp://127.0.0.2:1", "tcp://[::1]:1"])
def test_plain_tcp_is_for_this_machine(address, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.1)
    with pytest.raises(ClusterError, match="cannot reach the cluster tcp://"):
        cluster.lend_cluster(address).__enter__()


def test_tls_takes_certificates(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.1)
    with pytest.raises(ClusterError, match="cannot reach the cluster") as caught:
        cluster.lend_cluster("tls://192.0.2.1:8786").__enter__()
    assert "--tls-ca" in caught.value.hint


def test_a_script_without_a_guard_is_told_where_the_cluster_stands(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from mnistcli.cluster import lend_cluster\nwith lend_cluster('local:1'): pass\n"
    )
    done = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True)
    assert "hint: in a script of Python it stands below: if __name__ ==" in done.stderr
    script.write_text(script.read_text().replace("with", "if __name__ == '__main__':\n with"))
    subprocess.run([sys.executable, script], check=True)


def test_what_is_garbage_is_gone_before_a_client_starts(machines, monkeypatch):
    """An earlier client would be closed within the start of this one, and wait for its lock."""
    seen = []

    class Earlier:
        def __del__(self):
            seen.append("gone")

    start = distributed.Client.start

    def started(self, **options):
        seen.append("started")
        return start(self, **options)

    monkeypatch.setattr(distributed.Client, "start", started)
    gc.disable()
    try:
        earlier = Earlier()
        earlier.itself = earlier
        del earlier
        with machines.joined():
            assert seen == ["gone", "started"]
    finally:
        gc.enable()


def test_without_dask_it_says_what_to_install(invoke, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = invoke("train", "0v1", "--cluster", "local")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("hint: pip install 'mnistcli[cluster]'\n")


def test_a_card_says_nothing_about_machines(invoke, machines, monkeypatch):
    words = ["train", "0v1", "--limit", "100", "--name", "x", *machines.options()]
    monkeypatch.setattr(sys, "argv", ["mnistcli", *words])
    assert invoke(*words).code == 0
    shown = invoke("models", "info", "x", "--json").out
    assert json.loads(shown)["card"]["command"] == "mnistcli train 0v1 --limit 100 --name x"
    assert machines.port not in shown


@pytest.mark.parametrize("who", [0, 1], ids=["scheduler", "worker"])
def test_whoever_does_not_answer_is_an_error(lonely, monkeypatch, mnist, blocks, tmp_path, who):
    """Stopped before small work, before images are sent, and before a fit."""
    lonely.start(WORKERS.replace("--nworkers 2", "--no-nanny"))
    with lonely.joined():
        monkeypatch.setattr(cluster, "PATIENCE_S", 2.0)
        monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
        lonely.started[who].send_signal(signal.SIGSTOP)
        calls = [(1, 1), (LARGE, 0, tmp_path)]
        for work in (
            *(partial(map_jobs, max, [call] * 2, 1) for call in calls),
            partial(fit_of, mnist),
        ):
            with pytest.raises(ClusterError, match="nobody on the cluster has worked for 2 s"):
                list(work())
