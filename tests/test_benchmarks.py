"""`make bench`: ratios, tables, targets and the protocol between the races and their peers. Nothing here is timed."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from components.benchmarks import (
    audio,
    cold_start,
    document,
    first_answer,
    generation,
    half_precision,
    layer_speed,
    markdown,
    targets,
)
from components.benchmarks.__main__ import TABLES, main
from components.benchmarks.processes import QUICK, Peer, race, started, swapping
from components.benchmarks.timing import Timing, repeat, speedup, timed_rows
from components.errors import GatewiseError


@pytest.fixture
def adder(tmp_path):
    """A tiny ONNX file: y = x + x."""
    from onnx import TensorProto, helper, save

    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 3]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "adder", tensors[:1], tensors[1:])
    opset = [helper.make_opsetid("", 18)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=10), str(tmp_path / "adder.onnx"))
    return tmp_path / "adder.onnx"


CELL = {"shape": "series", "label": "series 100×100→64", "batch": 1, "threads": 1, "spread": 0.02}


def layers(ours=8.0, int8=(1.9, 2.0, 2.1)):
    """A layer table in which our ONNX file is `ours` times as fast as the stock one.

    `int8` is how many times faster than that our int8 file is: in its worst turn, in the median and in its best.
    """
    over_ours = {"speedup": {layer_speed.OURS: int8[1]}, "speedup_range": {layer_speed.OURS: [int8[0], int8[2]]}}
    rows = [
        {**CELL, "peer": layer_speed.STOCK, "median_us": 100.0 * ours, "speedup": {layer_speed.STOCK: 1.0}},
        {**CELL, "peer": layer_speed.OURS, "median_us": 100.0, "speedup": {layer_speed.STOCK: ours}},
        {**CELL, "peer": layer_speed.OURS_INT8, "median_us": 50.0, "speedup": {layer_speed.STOCK: 2 * ours}},
    ]
    return {"rows": rows, "int8_beside_float": [{**CELL, "peer": layer_speed.OURS_INT8, **over_ours}]}


def verdicts(tables):
    """Whether each target is reached, by what it says."""
    return {row["target"].split(",")[0]: row["reached"] for row in targets.judged(tables)}


def test_ratios_are_paired_turn_by_turn_so_that_a_slow_spell_cancels_out():
    steady = Timing(((10.0,), (10.0,), (10.0,)))
    disturbed_together = Timing(((20.0,), (200.0,), (20.0,)))
    slowed = Timing(((10.0,), (100.0,), (10.0,)))
    assert speedup(steady, Timing(((20.0,), (20.0,), (20.0,)))) == 2
    assert speedup(slowed, disturbed_together) == 2


def test_a_timing_is_the_median_of_its_turns_and_remembers_fastest_and_spread():
    timing = Timing(((1_000.0, 3_000.0, 2_000.0), (4_000.0, 4_000.0, 4_000.0), (9_000.0, 9_000.0, 9_000.0)))
    assert timing.median == 4_000
    assert timing.fastest == 1_000
    assert timing.spread == pytest.approx((9_000 - 3_000) / 2 / 4_000)
    assert timing.row() | {"spread": 0} == {"median_us": 4, "fastest_us": 1, "spread": 0, "runs": 9, "turns": 3}


def test_rows_relate_to_the_references_that_were_measured():
    slow, fast = Timing(((30.0,),)), Timing(((10.0,),))
    rows = timed_rows({"slow": slow, "fast": fast}, ["slow", "absent"])
    assert [row["speedup"] for row in rows] == [{"slow": 1.0}, {"slow": 3.0}]


def test_rows_tell_the_worst_and_the_best_turn():
    slow, fast = Timing(((30.0,), (40.0,), (20.0,))), Timing(((10.0,), (10.0,), (10.0,)))
    _, row = timed_rows({"slow": slow, "fast": fast}, ["slow"])
    assert row["speedup"] == {"slow": 3.0}
    assert row["speedup_range"] == {"slow": [2.0, 4.0]}


def test_a_call_is_repeated_at_least_once_however_short_the_turn():
    calls = []
    assert len(repeat(lambda: calls.append(1), seconds=0)) == 1
    assert len(calls) == 2  # one warms up


def test_peers_race_in_processes_of_their_own_and_one_that_fails_is_named(adder):
    notes: list[str] = []
    peers = [Peer("good", "sessions"), Peer("bad", "sessions"), Peer("nobody", "missing_runtime")]
    case = {"of": "adding", "file": str(adder), "shapes": {"x": [2, 3]}}
    with started(peers, 1, notes) as live:
        assert [peer.peer.label for peer in live] == ["good", "bad"]
        cases = {"good": case, "bad": {**case, "file": str(adder.with_name("absent.onnx"))}}
        timings = race(live, cases, notes, QUICK)
    assert list(timings) == ["good"]
    assert len(timings["good"].turns) == QUICK.turns
    assert any("nobody is left out: unknown runtime" in text for text in notes)
    assert any("bad is left out of adding: FileNotFoundError" in text for text in notes)


def test_two_peers_of_one_runtime_swap_their_cases_after_every_turn():
    asked = []

    class Fake:
        def __init__(self, label, process):
            self.peer, self.process = Peer(label, "sessions"), process

        def turn(self, case, seconds):
            asked.append((self.process, case["file"]))
            return {"times": [2.0 if self.process == "slow" else 1.0]}

    pair = [Fake("a", "slow"), Fake("b", "fast")]
    timings = swapping(pair, {"a": {"file": "a"}, "b": {"file": "b"}}, [], QUICK)
    assert len(asked) == 4 * QUICK.turns
    assert set(asked) == {("slow", "a"), ("fast", "b"), ("fast", "a"), ("slow", "b")}
    assert timings["a"].median == timings["b"].median == 1.5


def test_a_peer_that_dies_leaves_its_last_words(adder):
    notes: list[str] = []
    with started([Peer("mortal", "sessions")], 1, notes) as (peer,):
        peer._process.kill()
        peer._process.wait()
        assert "its process ended" in peer.turn({"file": str(adder)}, 0.0)["error"]


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch, capfd):
    from components.benchmarks.peers import __main__ as peer

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(peer, "_own_stdout", lambda: sys.stdout)
    assert peer.main("torch_loops", 1) == 1
    assert json.loads(capfd.readouterr().out) == {"error": "torch is not installed (`make bench` installs it)"}


def test_targets_reached_missed_and_not_measured_are_told_apart():
    judged = verdicts({"layer_speed": layers(ours=8.0)})
    assert judged["series layer"] is True
    assert judged["any layer"] is True
    assert judged["int8 layer over float32"] is True
    assert judged["characters/s at 512 units"] is None
    assert verdicts({"layer_speed": layers(ours=0.9)})["any layer"] is False
    assert set(verdicts({}).values()) == {None}


def test_int8_is_judged_by_the_median_that_is_shown():
    (row,) = (
        r for r in targets.judged({"layer_speed": layers(int8=(0.97, 0.99, 1.02))}) if "int8 layer" in r["target"]
    )
    assert (row["measured"], row["reached"]) == (0.99, False)
    assert verdicts({"layer_speed": layers(int8=(0.97, 1.0, 1.02))})["int8 layer over float32"] is True


def test_generation_is_judged_by_int8_on_one_thread_against_the_faster_pytorch_loop():
    def row(units, precision, per_second, **over):
        speedups = {generation.KERAS: 500.0, generation.TORCH: 4.0, generation.TORCH_CELL: 2.9} | over
        return {
            "units": units,
            "threads": 1,
            "precision": precision,
            "runtime": "onnxruntime",
            "per_second": per_second,
            "speedup": speedups,
        }

    better = {generation.TORCH_CELL: 99.0}
    rows = [row(512, "int8", 9.0), row(512, "float32", 20.0, **better), row(256, "int8", 9.0)]
    rows.append(row(512, "int8", 30.0, **better) | {"runtime": "litert"})  # not what the light package always has
    judged = verdicts({"generation": {"rows": rows}})
    assert judged["characters/s at 512 units"] is False
    assert judged["characters/s"] is True


def test_int8_files_are_judged_by_each_of_the_real_runs_and_the_worst_loss():
    def run(metric, exact, small, share):
        variants = {"onnx": {"metric": exact, "bytes": 1_000}, "onnx-int8": {"metric": small, "bytes": 1_000 * share}}
        return {"metric": metric, "variants": variants}

    quality = {"imdb": run("accuracy", 90.0, 89.9, 0.26), "shakespeare": run("nats_per_character", 1.5, 1.51, 0.31)}
    judged = {row["target"]: row for row in targets.judged({"quality": quality})}
    assert judged["int8 file over float32, imdb"]["reached"] is True
    assert judged["int8 file over float32, shakespeare"]["reached"] is False
    assert judged["int8 file over float32, stocks"]["reached"] is None
    assert judged["int8, loss of accuracy, the largest"]["reached"] is True
    assert judged["int8, loss of nats or pinball loss, the largest"]["measured"] == pytest.approx(0.667, abs=1e-3)


def test_upper_limits_are_judged_by_the_worst_application():
    rows = [
        {"application": "sentiment", "peer": cold_start.LIGHT, "median_us": 240_000.0, "megabytes": 80.0},
        {"application": "forecasting", "peer": cold_start.LIGHT, "median_us": 260_000.0, "megabytes": 99.0},
        {"application": "forecasting", "peer": cold_start.TENSORFLOW, "median_us": 9e6, "megabytes": 500.0},
    ]
    quality = {"imdb": {"variants": {"onnx-int8": {"bytes": 1_400_000}}}}
    judged = verdicts({"cold_start": {"rows": rows}, "quality": quality})
    assert judged["cold start to first answer"] is False
    assert judged["cold start"] is True
    assert judged["sentiment `base`"] is True
    assert judged["speech `base`"] is None


def test_the_report_shows_every_number_and_adds_tables_to_those_it_holds(tmp_path):
    facts = {"machine": "a machine", "measured": "today", "notes": ["PyTorch is left out: torch is not installed."]}
    document.write(tmp_path, {"layer_speed": {**facts, **layers(ours=7.0)}}, TABLES)
    text = (tmp_path / "bench.md").read_text()
    assert "| series 100×100→64 | 1 | 700 µs ±2% (1×) | 100 µs ±2% (7×) | 50 µs ±2% (14×) |" in text
    assert "| series 100×100→64 | 1 | 2.000× | 1.900× | 2.100× |" in text
    assert "| 8 × | 7 | **no** |" in text.replace("≥ ", "")
    assert "- PyTorch is left out: torch is not installed." in text
    held = json.loads((tmp_path / "bench.json").read_text())
    assert len(held["targets"]) == len(targets.TARGETS)
    assert len(held["tables"]["layer_speed"]["rows"]) == 3


def test_every_table_can_be_written_as_markdown():
    timed = {"median_us": 1_500.0, "fastest_us": 1_400.0, "spread": 0.01, "speedup": {}}
    generated = {**timed, "peer": "Gatewise onnx", "units": 256, "threads": 1, "per_second": 12_345.6}
    assert "12,346" in "\n".join(generation.lines({"rows": [generated], "vocabulary": 65}))
    heard = {**timed, "peer": "Gatewise onnx, feed", "threads": 1, "real_time_factor": 0.0042}
    alone = {**timed, "peer": "ONNX", "at_once": "a frame", "error": 1e-5}
    assert "0.0042" in "\n".join(audio.lines({"rows": [heard], "front_ends": [alone]}))
    stored = {**timed, "peer": half_precision.ONNX_HALF, "bytes": 1_847_784}
    assert "1,847,784" in "\n".join(half_precision.lines({"rows": [stored]}))
    begun = {**timed, "application": "sentiment", "peer": cold_start.LIGHT, "megabytes": 71.4}
    assert "71 MB" in "\n".join(cold_start.lines({"rows": [begun]}))


@pytest.mark.parametrize(
    ("microseconds", "shown"), [(0.5, "0.5 µs"), (1_234.0, "1.23 ms"), (2.5e6, "2.5 s"), (999.4, "999 µs")]
)
def test_durations_are_shown_in_the_unit_that_suits_them(microseconds, shown):
    assert markdown.duration(microseconds) == shown


def test_cold_start_counts_until_the_first_line_and_reads_the_memory_from_the_second():
    script = "import time; print('{}', flush=True); print('{\"bytes\": 5}')"
    seconds, peak = cold_start.first_answer([sys.executable, "-c", script])
    assert seconds > 0
    assert peak == 5
    with pytest.raises(GatewiseError, match="RuntimeError: no model"):
        cold_start.first_answer([sys.executable, "-c", "raise RuntimeError('no model')"])


def test_peak_memory_is_this_process_own():
    before = first_answer.peak_bytes()
    held = np.ones(40 << 20, np.uint8)
    assert first_answer.peak_bytes() - before >= held.nbytes / 2


def test_the_first_answer_imports_the_light_package_only():
    code = f"import sys, runpy, gatewise; runpy.run_path({first_answer.__file__!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    imported = {name.split(".")[0] for name in done.stdout.split()}
    assert "gatewise" in imported
    assert not {"components", "tensorflow", "keras", "pandas"} & imported


def test_an_unknown_table_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "nonsense" in capsys.readouterr().err


def test_tables_are_measured_into_the_folder_that_was_named(tmp_path, monkeypatch):
    table = SimpleNamespace(
        TITLE="T", TEXT="t", lines=lambda _: ["| a |"], run=lambda *_: {"rows": [], "notes": ["remark"]}
    )
    monkeypatch.setitem(TABLES, "cold_start", table)
    assert main(["cold_start", "--reports", str(tmp_path), "--quick"]) == 0
    assert json.loads((tmp_path / "bench.json").read_text())["tables"]["cold_start"]["turns"] == QUICK.turns
    assert "- remark" in (tmp_path / "bench.md").read_text()


@pytest.mark.parametrize("halved", [half_precision.with_half_weights, half_precision.with_half_arithmetic])
def test_weights_stored_in_half_precision_take_half_the_bytes_and_come_back_rounded(halved):
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    weight = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [64, 64]) for name in "xy"]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "g", tensors[:1], tensors[1:], [numpy_helper.from_array(weight, "w")])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    half = halved(proto)
    assert half.ByteSize() < 0.52 * proto.ByteSize()
    session = onnxruntime.InferenceSession(half.SerializeToString(), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"x": np.eye(64, dtype=np.float32)})
    np.testing.assert_array_equal(answer, weight.astype(np.float16).astype(np.float32))


def test_untrained_networks_have_no_bias_of_zeros_that_a_converter_would_leave_out():
    import keras

    from components.benchmarks import bundles

    network = keras.Sequential([keras.Input((2, 3)), keras.layers.GRU(4), keras.layers.Dense(2)])
    kernel = network.trainable_variables[0].numpy()
    assert bundles._no_zeros(network, None, None, None) == {}
    assert all(variable.numpy().all() for variable in network.trainable_variables)
    assert np.array_equal(network.trainable_variables[0].numpy(), kernel)


def test_memory_is_read_from_a_process_that_prepares_real_data(tmp_path, monkeypatch):
    from components.benchmarks import memory

    monkeypatch.setattr(memory, "JOBS", {"text, characters": memory.JOBS["text, characters"]})
    table = memory.run(tmp_path, QUICK)
    (row,) = table["rows"]
    assert not table["notes"]
    assert row["sizes"] == [100, 1_000]
    assert 10e6 < row["bytes"][0] < row["bytes"][1] < 1e9
    assert "kB per thousand character" in memory.lines(table)[-1]


def test_data_that_cannot_be_prepared_is_a_note_and_not_a_number(tmp_path, monkeypatch):
    from components.benchmarks import memory

    job = memory.JOBS["text, characters"]
    monkeypatch.setattr(memory, "JOBS", {"nothing of the kind": job})
    table = memory.run(tmp_path, QUICK)
    assert table["rows"][0]["bytes"] == [None, None]
    assert len(table["notes"]) == 2
    assert memory.MISSING in memory.lines(table)[-1]
