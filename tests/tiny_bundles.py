"""Builders of tiny bundles in exactly the format of the exporter, from hand-made ONNX graphs with known answers."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from components.registry import get

CHARACTERS = "\n !abcdefghijklmnopqrstuvwxyzé€"
UNITS = 8
CONTEXT, HORIZON, QUANTILES = 6, 3, (0.1, 0.5, 0.9)
STEP_MINUTES = 60
SPREAD = 2.0  # distance of the outer quantiles from the last value
SLOPE = 0.5  # rise per step ahead
HOP, SAMPLE_RATE, CLIP = 20, 1_000, 200
LABELS = ("_silence_", "yes", "no")
TYPES = {"int32": TensorProto.INT32, "float32": TensorProto.FLOAT}

Shape = Sequence[int | str]


class Graph:
    """Collects nodes and weights of an ONNX graph."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self.inputs: list[tuple[str, Shape, str]] = []
        self.outputs: list[tuple[str, Shape, str]] = []
        self.states: list[tuple[str, Shape]] = []

    def input(self, name: str, shape: Shape, dtype: str = "float32") -> str:
        self.inputs.append((name, shape, dtype))
        return name

    def state(self, shape: Shape) -> tuple[str, str]:
        name = f"state_{len(self.states)}"
        self.states.append((name, shape))
        return name, f"{name}_next"

    def output(self, name: str, shape: Shape, source: str) -> None:
        self.outputs.append((name, shape, "float32"))
        self.node("Identity", [source], output=name)

    def constant(self, array: Any) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape: int, scale: float = 0.8) -> str:
        return self.constant((self._random.standard_normal(shape) * scale).astype(np.float32))

    def node(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        name = output or f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def gru(self, x: str, width: int, units: int = UNITS) -> str:
        """A native GRU with a carried state over (batch, time, width)."""
        state, after = self.state(["batch", units])
        first, second = self.constant(np.array([0])), self.constant(np.array([1]))
        start = self.node("Unsqueeze", [state, first])
        steps = self.node("Transpose", [x], perm=[1, 0, 2])
        weights = [self.weight(1, 3 * units, width), self.weight(1, 3 * units, units), self.weight(1, 6 * units)]
        y, last = f"{state}_y", f"{state}_last"
        self._nodes.append(
            helper.make_node("GRU", [steps, *weights, "", start], [y, last], hidden_size=units, linear_before_reset=1)
        )
        self.node("Squeeze", [last, first], output=after)
        return self.node("Transpose", [self.node("Squeeze", [y, second])], perm=[1, 0, 2])

    def model(self, fixed: Mapping[str, int] | None = None) -> bytes:
        """The graph as an ONNX file, with some axes frozen."""
        states_in = [(name, shape, "float32") for name, shape in self.states]
        states_out = [(f"{name}_next", shape, "float32") for name, shape in self.states]

        def info(rows: Sequence[tuple[str, Shape, str]]) -> list[Any]:
            frozen = fixed or {}
            return [
                helper.make_tensor_value_info(name, TYPES[dtype], [frozen.get(a, a) for a in shape])
                for name, shape, dtype in rows
            ]

        graph = helper.make_graph(
            self._nodes, "g", info([*self.inputs, *states_in]), info([*self.outputs, *states_out]), self._weights
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        return model.SerializeToString()

    def manifest(self) -> dict[str, Any]:
        return {
            "inputs": [{"name": n, "shape": list(s), "dtype": d, "unit": ""} for n, s, d in self.inputs],
            "outputs": [{"name": n, "shape": list(s), "dtype": d, "unit": ""} for n, s, d in self.outputs],
            "states": [{"name": n, "next": f"{n}_next", "shape": list(s), "dtype": "float32"} for n, s in self.states],
        }


def text_graph(vocabulary: int) -> Graph:
    """Embedding, two GRUs, logits."""
    graph = Graph()
    ids = graph.input("ids", ["batch", "time"], "int32")
    x = graph.node("Gather", [graph.weight(vocabulary, UNITS), ids])
    x = graph.gru(graph.gru(x, UNITS), UNITS)
    logits = graph.node("MatMul", [x, graph.weight(UNITS, vocabulary, scale=3.0)])
    graph.output("logits", ["batch", "time", vocabulary], logits)
    return graph


def sentiment_graph(scores: np.ndarray) -> Graph:
    """Softmax of the sum of per-id scores (ids, labels); row 0 is padding and must be zeros."""
    graph = Graph()
    ids = graph.input("ids", ["batch", "time"], "int32")
    x = graph.node("Gather", [graph.constant(scores.astype(np.float32)), ids])
    total = graph.node("ReduceSum", [x, graph.constant(np.array([1]))], keepdims=0)
    graph.output("probabilities", ["batch", scores.shape[1]], graph.node("Softmax", [total], axis=-1))
    return graph


def forecasting_graph(extras: int = 0) -> Graph:
    """The last value, plus SLOPE per hour ahead by the minutes, plus the spread (plus the last row of extras)."""
    graph = Graph()
    values = graph.input("values", ["batch", CONTEXT])
    minutes = graph.node("Cast", [graph.input("minutes", ["batch", CONTEXT + HORIZON], "int32")], to=TensorProto.FLOAT)

    def part(x: str, begin: int, end: int) -> str:
        return graph.node("Slice", [x, *(graph.constant(np.array([i])) for i in (begin, end, 1))])

    now, ahead = part(minutes, CONTEXT - 1, CONTEXT), part(minutes, CONTEXT, CONTEXT + HORIZON)
    hours = graph.node("Div", [graph.node("Sub", [ahead, now]), graph.constant(np.float32(60))])  # (batch, horizon)
    rise = graph.node("Mul", [hours, graph.constant(np.float32(SLOPE))])
    path = graph.node("Add", [part(values, CONTEXT - 1, CONTEXT), rise])
    if extras:
        extra = part(graph.input("extra", ["batch", CONTEXT, extras]), CONTEXT - 1, CONTEXT)
        path = graph.node("Add", [path, graph.node("ReduceSum", [extra, graph.constant(np.array([2]))], keepdims=0)])
    column = graph.node("Unsqueeze", [path, graph.constant(np.array([2]))])
    spread = graph.constant(np.array([-SPREAD, 0, SPREAD], np.float32))
    graph.output("quantiles", ["batch", HORIZON, len(QUANTILES)], graph.node("Add", [column, spread]))
    return graph


def speech_graph() -> Graph:
    """Labels by each frame's mean, one frame late (a tail of samples is carried), and a little of a GRU."""
    graph = Graph()
    samples = graph.input("samples", ["batch", "samples"])
    tail, tail_next = graph.state(["batch", HOP])
    joined = graph.node("Concat", [tail, samples], axis=1)

    def cut(begin: int, end: int, **names: str) -> str:
        return graph.node("Slice", [joined, *(graph.constant(np.array([i])) for i in (begin, end, 1))], **names)

    cut(-HOP, np.iinfo(np.int64).max, output=tail_next)
    frames = graph.node("Reshape", [cut(0, -HOP), graph.constant(np.array([0, -1, HOP]))])
    weights = np.stack([np.zeros(HOP), np.full(HOP, 40 / HOP), np.full(HOP, -40 / HOP)], axis=1)  # (hop, labels)
    direct = graph.node("MatMul", [frames, graph.constant(weights.astype(np.float32))])
    deep = graph.node("MatMul", [graph.gru(frames, HOP), graph.weight(UNITS, len(LABELS), scale=0.05)])
    logits = graph.node("Add", [graph.node("Add", [direct, deep]), graph.constant(np.array([4, 0, 0], np.float32))])
    graph.output("probabilities", ["batch", "frames", len(LABELS)], graph.node("Softmax", [logits], axis=-1))
    return graph


def character_tokenizer(characters: str = CHARACTERS) -> bytes:
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": None,
            "pre_tokenizer": {
                "type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False
            },
            "post_processor": None,
            "decoder": None,
            "model": {
                "type": "WordLevel",
                "vocab": {token: i for i, token in enumerate(["[UNK]", *sorted(characters)])},
                "unk_token": "[UNK]",
            },
        }
    ).encode()  # fmt: skip


def byte_tokenizer(merges: Sequence[tuple[str, str]] = (("t", "h"), ("th", "e"), ("Ã", "©"))) -> bytes:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(a + b for a, b in merges)]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, use_regex=True)
    return tokenizer.to_str().encode()


def word_tokenizer(words: Sequence[str]) -> bytes:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    tokens = ["[PAD]", "[UNK]", *words]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106, no password
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=True
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer.to_str().encode()


def write_bundle(
    folder: Path,
    application: str,
    graph: Graph,
    settings: Mapping[str, Any],
    cases: Sequence[Mapping[str, np.ndarray]],
    *,
    frozen: Mapping[str, Mapping[str, int]] | None = None,
    tokenizer: bytes | None = None,
    texts: Sequence[tuple[str, Sequence[int]]] = (),
    schema_version: str = "1.0",
) -> Path:
    """Write a bundle; `frozen` adds ONNX variants with frozen axes by name."""
    folder.mkdir(parents=True, exist_ok=True)
    variants = {"onnx": {}, **(frozen or {})}
    contents = {f"model.{name}.onnx": graph.model(fixed) for name, fixed in variants.items()}
    vectors = _vectors(contents["model.onnx.onnx"], cases, texts)
    files = {"testvectors.npz": vectors, "MODEL_CARD.md": b"# A tiny model\n"}
    if tokenizer:
        files["tokenizer.json"] = tokenizer
    manifest = {
        "schema_version": schema_version,
        "application": application,
        "name": f"{application}-tiny",
        "version": "1",
        "created": "2024-01-01T00:00:00Z",
        "graph": graph.manifest(),
        "settings": dict(settings),
        "example": asdict(get(application).example),
        "variants": {
            name: {
                "file": file,
                "runtime": "onnxruntime",
                "precision": "float32",
                **stated(contents[file]),
                "fixed": dict(fixed),
                "parity": 1e-6,
                "tolerance": 1e-4,
                "metric": 0.9,
                "latency_ms": 0.1,
            }
            for (name, fixed), file in zip(variants.items(), contents, strict=True)
        },
        "default_variant": "onnx",
        "files": {name: stated(content) for name, content in files.items()},
        "metrics": {"primary": "accuracy", "higher_is_better": True, "test": {"accuracy": 0.9}},
        "baselines": {"majority": {"accuracy": 0.5}},
        "preset": "tiny",
        "config": {},
        "data": {"source": "made up", "sha256": "0" * 64, "licence": "CC0"},
        "git_commit": None,
        "libraries": {},
    }
    for name, content in {**contents, **files}.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def stated(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def change_manifest(folder: Path, **changes: Any) -> Path:
    """Replace entries of a bundle's manifest."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder


def zipped(folder: Path, target: Path, top: str = "") -> Path:
    """The bundle as a .zip, its files at the top or in one folder."""
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, top + file.name)
    return target


def _vectors(
    model: bytes, cases: Sequence[Mapping[str, np.ndarray]], texts: Sequence[tuple[str, Sequence[int]]]
) -> bytes:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]
    arrays: dict[str, Any] = {}
    for index, case in enumerate(cases):
        arrays |= {f"case{index}/input/{name}": array for name, array in case.items()}
        for name, array in zip(names, session.run(names, dict(case)), strict=True):
            arrays[f"case{index}/output/{name}"] = array
    if texts:
        arrays["text"] = np.array([text for text, _ in texts])
        arrays |= {f"ids/{i}": np.array(ids, np.int32) for i, (_, ids) in enumerate(texts)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def text_bundle(folder: Path, level: str = "character", **settings: Any) -> Path:
    """A text generator of random weights; variant `step` takes one id at a time."""
    tokenizer = character_tokenizer() if level == "character" else byte_tokenizer()
    vocabulary = len(json.loads(tokenizer)["model"]["vocab"])
    start = np.full((1, UNITS), 0.1, np.float32)
    cases = [
        {"ids": np.arange(n, dtype=np.int32)[None] % vocabulary, "state_0": start, "state_1": -start} for n in (1, 7)
    ]
    from tokenizers import Tokenizer

    reference = Tokenizer.from_str(tokenizer.decode())
    texts = [(text, reference.encode(text).ids) for text in ("abc", "the é\n€ Z")]
    return write_bundle(
        folder,
        "text_generation",
        text_graph(vocabulary),
        {"level": level, **settings},
        cases,
        frozen={"step": {"batch": 1, "time": 1}},
        tokenizer=tokenizer,
        texts=texts,
    )


SENTIMENT_WORDS = ("good", "bad", "film", "!", "un", "##good", "##ly")
SENTIMENT_SCORES = np.array([[0, 0], [0, 0], [0, 2], [2, 0], [0, 0], [0, 0.5], [1, 0], [1, 0], [0, 0]], np.float32)


def sentiment_bundle(folder: Path, **settings: Any) -> Path:
    """good counts for positive, bad and un- for negative; variant `padded` takes 8 ids of one text."""
    cases = [{"ids": np.array([row], np.int32)} for row in ([2, 4], [3, 4, 5, 1])]
    return write_bundle(
        folder,
        "sentiment",
        sentiment_graph(SENTIMENT_SCORES),
        {"labels": ["negative", "positive"], "max_length": 8, **settings},
        cases,
        frozen={"padded": {"batch": 1, "time": 8}},
        tokenizer=word_tokenizer(SENTIMENT_WORDS),
        texts=[("Good film!", [2, 4, 5])],
    )


def forecasting_bundle(folder: Path, extras: Sequence[str] = (), **settings: Any) -> Path:
    """Carries the last value on, rising by SLOPE an hour; variant `single` takes one series."""
    minutes = (STEP_MINUTES * np.arange(CONTEXT + HORIZON, dtype=np.int32))[None]
    case = {"values": np.arange(CONTEXT, dtype=np.float32)[None], "minutes": minutes}
    if extras:
        case["extra"] = np.ones((1, CONTEXT, len(extras)), np.float32)
    known = {
        "context": CONTEXT,
        "horizon": HORIZON,
        "quantiles": list(QUANTILES),
        "step_minutes": STEP_MINUTES,
        "extras": list(extras),
        "frequency": "h",
        "unit": "degrees",
    }
    graph = forecasting_graph(len(extras))
    return write_bundle(folder, "forecasting", graph, known | settings, [case], frozen={"single": {"batch": 1}})


def speech_bundle(folder: Path, **settings: Any) -> Path:
    """yes for positive sound, no for negative; variant `step` takes one hop at a time."""
    case = {
        "samples": np.linspace(-1, 1, 6 * HOP, dtype=np.float32)[None],
        "state_0": np.zeros((1, HOP), np.float32),
        "state_1": np.zeros((1, UNITS), np.float32),
    }
    known = {
        "labels": list(LABELS),
        "sample_rate": SAMPLE_RATE,
        "hop": HOP,
        "decision_frames": 4,
        "threshold": 0.6,
        "refractory_ms": 500,
        "clip_samples": CLIP,
    }
    frozen = {"step": {"batch": 1, "samples": HOP}, "wide": {"batch": 1, "samples": 3 * HOP}}
    return write_bundle(folder, "speech_commands", speech_graph(), known | settings, [case], frozen=frozen)
