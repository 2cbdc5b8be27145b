"""The command: what it prints, what it writes, and its exit codes."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

import fastrnn
from fastrnn.cli import main

QUICK = ["demo", "--epochs", "1", "--units", "2"]


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def python(*arguments, cwd):
    return run(sys.executable, "-W", "error", "-m", "fastrnn", *arguments, cwd=cwd)


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def without_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
        monkeypatch.delitem(sys.modules, name)  # which another test has loaded
    monkeypatch.setitem(sys.modules, "matplotlib", None)


class Figure:
    """Records what is drawn, in the place of matplotlib's."""

    saved: dict = {}  # noqa: RUF012 - emptied by the fixture

    def __init__(self, **_):
        self.lines, self.labels = [], {}

    def add_subplot(self):
        return self

    def plot(self, x, y, **options):
        assert len(x) == len(y)
        self.lines.append((options["label"], len(x)))

    def set(self, **labels):
        self.labels.update(labels)

    def legend(self):
        """Nothing to record."""

    def savefig(self, path, dpi):
        Path(path).write_bytes(b"a plot")
        self.saved[str(path)] = self

    def barh(self, labels, lengths, **options):
        assert len(labels) == len(lengths)
        self.lines += [(label, 1) for label in labels]

    def axvline(self, x, **options):
        self.lines.append((options["label"], 1))

    def invert_yaxis(self):
        """Nothing to record."""


@pytest.fixture
def with_matplotlib(monkeypatch):
    """Matplotlib as far as the plot needs it: the tests do not require the real one."""
    modules = {
        "matplotlib": {},
        "matplotlib.backends": {},
        "matplotlib.backends.backend_agg": {"FigureCanvasAgg": lambda figure: None},
        "matplotlib.figure": {"Figure": Figure},
    }
    for name, members in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
    Figure.saved.clear()
    return Figure.saved


# ---- demo ----


def read_errors(text):
    return [
        float(re.search(rf"test error of the {name}\D*([\d.]+)", text)[1])
        for name in ("LSTM", "naive forecast")
    ]


def test_demo_beats_the_naive_forecast(tmp_path):
    result = python("demo", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    error, naive = read_errors(result.stdout)
    assert error < 0.9 * naive
    assert re.search(r"time per epoch: +[\d.]+ ms", result.stdout)
    for text in ("lstm (LSTM)", "lstm_1 (LSTM)", "Total params:", "Epoch 60/60", "2008"):
        assert text in result.stdout


def test_demo_plots_where_matplotlib_is(with_matplotlib, tmp_path, capsys):
    main(QUICK)
    assert list(with_matplotlib) == ["fastrnn-demo.png"]
    figure = with_matplotlib["fastrnn-demo.png"]
    assert [length for _, length in figure.lines] == [70, 70]
    assert [label.split(",")[0] for label, _ in figure.lines] == ["truth", "forecast"]
    assert figure.labels["xlabel"] == "year"
    assert "plot: fastrnn-demo.png" in capsys.readouterr().out
    assert (tmp_path / "fastrnn-demo.png").is_file()


def test_demo_plots_where_it_is_told_to(with_matplotlib, tmp_path):
    main([*QUICK, "--plot", str(tmp_path / "other.png")])
    assert [file.name for file in tmp_path.iterdir()] == ["other.png"]


def test_demo_makes_no_plot_if_told_so(with_matplotlib, tmp_path):
    main([*QUICK, "--no-plot"])
    assert not with_matplotlib
    assert not list(tmp_path.iterdir())


def test_demo_without_matplotlib_says_what_to_install(without_matplotlib, tmp_path, capsys):
    main(QUICK)
    assert "pip install 'fastrnn[plot]'" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_the_same_seed_gives_the_same_forecast(without_matplotlib, capsys):
    errors = []
    for seed in ("1", "1", "2"):
        main([*QUICK, "--seed", seed])
        errors.append(read_errors(capsys.readouterr().out))
    assert errors[0] == errors[1] != errors[2]


# ---- info ----


def test_info_prints_what_is_there(capsys):
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fastrnn"] == fastrnn.__version__
    assert found["engines"] == list(fastrnn.engines.dispatch.ENGINES)
    assert found["engine in force"] == fastrnn.config.engine()
    assert found["cpus"] >= 1
    assert found["cpu features"]
    assert found["blas of scipy"]
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == list(found)
    assert any(line.split() == ["engines:", *found["engines"]] for line in lines)


def test_info_prints_what_the_fused_engine_uses(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTRNN_ISA", "generic")
    monkeypatch.setenv("FASTRNN_NUM_THREADS", "3")
    lines = python("info", cwd=tmp_path).stdout.splitlines()
    found = dict(line.split(":", 1) for line in lines)
    assert found["instruction set"].strip() == "generic"
    assert found["instruction sets"].split() == fastrnn.engines.dispatch.usable_instruction_sets()
    assert found["threads"].strip() == "3"


def test_info_prints_the_thread_variables(monkeypatch, capsys):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    main(["info"])
    assert "none set" in capsys.readouterr().out
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    main(["info"])
    assert "OPENBLAS_NUM_THREADS=1" in capsys.readouterr().out


# ---- bench ----

QUICK_BENCH = ["bench", "--seconds", "0.001", "--case", "LSTM-32x50x1x50"]


def test_bench_prints_limits_and_rows(capsys):
    assert main([*QUICK_BENCH, "--threads", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["machine", "rows"]
    machine = found["machine"]
    assert machine.pop("threads") == 1
    assert machine.pop("instruction set") == fastrnn.engines.dispatch.instruction_set()
    assert len(machine) == 3
    assert all(value > 0 for value in machine.values())
    assert [(row["case"], row["work"]) for row in found["rows"]] == [
        ("LSTM-32x50x1x50", "forward"),
        ("LSTM-32x50x1x50", "training"),
    ]
    for row in found["rows"]:
        assert row["runs"] >= 5
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        peak = machine["fma peak, all threads, GFLOP/s"]
        assert row["share_of_peak"] == pytest.approx(row["gflops"] / peak)
        flop = 50 * 2 * 32 * 200 * 51 * (3 if row["work"] == "training" else 1)
        assert row["gflops"] == pytest.approx(flop / row["p50_ms"] / 1e6)
        assert row["single_step"] is False


def test_bench_prints_a_table(capsys):
    before = fastrnn.config.num_threads()
    assert main(["bench", "--seconds", "0.001", "--case", "1x1x16x32", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^LSTM-1x1x16x32 +forward +[\d.]+ +[\d.]+ +[\d.]+% +[\d.]+ ms$", text, re.M)
    assert "training" not in text.replace("training steps", "")
    assert "fma peak, one thread" in text
    assert "bench/compare.py" in text
    assert fastrnn.config.num_threads() == before


def test_bench_has_more_cases():
    from fastrnn.bench.cases import select

    first, both = select(None), select(None, more=True)
    assert both[: len(first)] == first
    assert len({case.id for case in both}) == len(both)
    assert {case.id for case in select("gru", more=True)} > {"GRU-7x13x5x33"}


@pytest.mark.parametrize("work", ["forward", "training"])
def test_bench_times_no_wrong_results(work, monkeypatch, capsys):
    from fastrnn.bench import timing

    right = timing.expected_results

    def wrong(case):
        results = right(case)
        results[work][0] = results[work][0] * 1.01
        return results

    monkeypatch.setattr(timing, "expected_results", wrong)
    assert main(QUICK_BENCH) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fastrnn bench: LSTM-32x50x1x50, wrong results: ")


def test_bench_plots(with_matplotlib, tmp_path, capsys):
    assert main([*QUICK_BENCH, "--json", "--plot", "bench.png"]) == 0
    assert (tmp_path / "bench.png").is_file()
    labels = [label for label, _ in with_matplotlib["bench.png"].lines]
    assert labels[:2] == ["LSTM-32x50x1x50 forward", "LSTM-32x50x1x50 training"]
    assert labels[2].startswith("peak of")
    captured = capsys.readouterr()
    json.loads(captured.out)  # what is said about the plot is not among it
    assert "plot: bench.png" in captured.err


def test_bench_without_matplotlib_says_what_to_install(without_matplotlib, monkeypatch, capsys):
    monkeypatch.setattr("fastrnn.cli.bench.measure_machine", None)  # nothing is timed
    assert main([*QUICK_BENCH, "--plot", "bench.png"]) == 1
    assert "pip install 'fastrnn[plot]'" in capsys.readouterr().err


def test_bench_hands_peers_over_to_the_comparison(monkeypatch, tmp_path):
    (tmp_path / "bench" / "peers").mkdir(parents=True)
    comparison = tmp_path / "bench" / "compare.py"
    comparison.write_text(
        "import json, sys; json.dump(sys.argv[1:], open('options.json', 'w')); sys.exit(1)"
    )
    monkeypatch.setattr("fastrnn.cli.bench.__file__", str(tmp_path / "a" / "b" / "c.py"))
    options = ["--threads", "2", "--more", "--json", "--seconds", "0.5", "--case", "LSTM"]
    assert main(["bench", "--peers", *options]) == 1
    passed = json.loads((tmp_path / "options.json").read_text())
    expected = {"--seconds", "0.5", "--json", "--more", "--case=LSTM", "--threads=2"}
    assert set(passed) == expected


def test_bench_peers_needs_a_checkout(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("fastrnn.cli.bench.__file__", str(tmp_path / "a" / "b" / "c.py"))
    assert main(["bench", "--peers"]) == 1
    assert "checkout" in capsys.readouterr().err


def test_bench_case_that_is_not_there_is_1(capsys):
    assert main(["bench", "--case", "Transformer"]) == 1
    assert "'Transformer'" in capsys.readouterr().err


STREAM_BENCH = ["bench", "--stream", "--seconds", "0.001"]


def test_bench_of_streams(capsys):
    assert main([*STREAM_BENCH, "--json", "--threads", "1"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["case"] for row in rows] == [
        "LSTM-1x1x16x32",
        "LSTM-1x1x32x32",
        "GRU-1x1x16x64",
        "GRU-1x1x64x64",
        "LSTM-1x1x16x256",
        "LSTM-1x1x64x256",
    ]
    for row in rows:
        assert row["library"] == "fastrnn" and row["threads"] == 1
        assert 0 < row["p50_us"] <= row["p99_us"]
        assert row["real_time_factor"] == pytest.approx(1e6 / 48000 / row["p50_us"])
    assert main([*STREAM_BENCH, "--case", "gru-1x1x16"]) == 0
    pattern = r"^GRU-1x1x16x64 +fastrnn +1 +[\d.]+ +[\d.]+  [\d.]+x real time$"
    assert re.search(pattern, capsys.readouterr().out, re.M)


def test_bench_of_streams_times_no_wrong_results(monkeypatch, capsys):
    from fastrnn.bench import streams

    right = streams.expected_outputs
    monkeypatch.setattr(streams, "expected_outputs", lambda case: 1.01 * right(case))
    assert main([*STREAM_BENCH, "--case", "gru"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fastrnn bench: GRU-1x1x16x64, wrong results: ")


@pytest.mark.parametrize("option", [["--plot", "a.png"], ["--more"], ["--case", "Transformer"]])
def test_bench_of_streams_refuses(option, capsys):
    assert main([*STREAM_BENCH, *option]) == 1
    assert option[-1] in capsys.readouterr().err or "--plot" in option


# ---- help, usage, exit codes ----


@pytest.mark.parametrize("command", [[], ["demo"], ["info"], ["bench"], ["inspect"]], ids=str)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_everywhere(command, option, capsys):
    assert main([*command, option]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(" ".join(["usage: fastrnn", *command]))
    assert captured.err == ""
    expected = {
        "": ["demo", "info", "bench", "inspect", "--version"],
        "demo": ["--epochs", "--plot"],
        "info": ["JSON"],
        "bench": ["--json", "--seconds", "--case", "--threads", "--plot", "--stream", "--peers"],
        "inspect": ["FILE", "--json"],
    }
    for text in expected["".join(command)]:
        assert text in captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["fly"], "'fly'"),
        (["--fast"], "COMMAND"),
        (["info", "more"], "more"),
        (["inspect"], "FILE"),
        (["demo", "--epochs", "0"], "--epochs: expected a positive integer, got '0'"),
        (["demo", "--epochs", "many"], "--epochs: expected a positive integer, got 'many'"),
        (["demo", "--units", "-3"], "--units"),
        (["demo", "--seed", "-1"], "--seed: expected an integer from 0"),
        (["demo", "--seed", str(2**32)], "--seed: expected an integer from 0"),
        (["demo", "--plot"], "--plot"),
        (["bench", "--seconds", "0"], "--seconds: expected a positive number, got '0'"),
        (["bench", "--seconds", "soon"], "--seconds: expected a positive number, got 'soon'"),
        (["bench", "--seconds", "inf"], "--seconds"),
        (["bench", "--threads", "0"], "--threads: expected an integer from 1 to 256, got '0'"),
        (["bench", "--threads", "257"], "--threads"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(arguments, message, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: fastrnn")
    assert message in captured.err


def test_a_model_that_is_no_better_is_1(without_matplotlib, capsys):
    assert main(QUICK) == 1
    text = capsys.readouterr().out
    error, naive = read_errors(text)
    assert error >= naive
    assert "more epochs" in text


def test_a_plot_that_cannot_be_written_is_1(with_matplotlib, tmp_path, capsys):
    assert main([*QUICK, "--plot", str(tmp_path / "no" / "plot.png")]) == 1
    assert re.match(r"fastrnn demo: .*plot\.png", capsys.readouterr().err)


def test_an_interrupt_is_1(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("fastrnn.cli.info.collect", interrupt)
    assert main(["info"]) == 1
    assert capsys.readouterr().err == "interrupted\n"


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fastrnn {fastrnn.__version__}\n"
    assert fastrnn.__version__ == importlib.metadata.version("fastrnn")


def test_python_m_and_the_installed_command(tmp_path):
    script = shutil.which("fastrnn", path=Path(sys.executable).parent)
    assert script, "the package is not installed with its command"
    for arguments, code in ((["info"], 0), ([*QUICK, "--no-plot"], 1), (["demo", "--fast"], 2)):
        results = [run(script, *arguments, cwd=tmp_path), python(*arguments, cwd=tmp_path)]
        assert [result.returncode for result in results] == [code, code]
        if arguments == ["info"]:
            assert results[0].stdout == results[1].stdout
