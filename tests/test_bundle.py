"""What makes a bundle a bundle: complete, unaltered, of a known schema, in a folder or a .zip."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from tiny_bundles import change_manifest, stated, zipped

import gatewise
from gatewise import BundleError, InputError, MissingRuntimeError, SchemaError, VerificationError, open_bundle
from gatewise.runtime import SESSIONS
from gatewise.verify import require, verify


@pytest.fixture
def bundle(tiny_bundles, tmp_path):
    """A sentiment bundle that may be spoilt."""
    return shutil.copytree(tiny_bundles["sentiment"], tmp_path / "sentiment")


def test_open_bundle_gives_typed_values(bundle):
    opened = open_bundle(bundle)
    assert opened.application == "sentiment"
    assert opened.inputs[0].shape == ("batch", "time")
    assert opened.variant().name == "onnx"
    assert opened.variant("padded").fixed == {"batch": 1, "time": 8}
    assert opened.states == ()


@pytest.mark.parametrize("top", ["", "sentiment/"])
def test_a_zip_loads_like_its_folder(bundle, tmp_path, top):
    archive = zipped(bundle, tmp_path / "sentiment.zip", top)
    assert gatewise.load(archive).predict("good") == gatewise.load(bundle).predict("good")


@pytest.mark.parametrize("name", ["model.onnx.onnx", "model.padded.onnx", "tokenizer.json", "testvectors.npz"])
def test_a_missing_file_is_named(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        gatewise.load(bundle)


@pytest.mark.parametrize("name", ["model.onnx.onnx", "model.padded.onnx", "tokenizer.json", "MODEL_CARD.md"])
def test_one_changed_byte_is_noticed_and_the_file_named(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} of bundle .* altered.*sha256"):
        gatewise.load(bundle)


def test_a_file_cut_short_is_noticed(bundle):
    content = (bundle / "model.onnx.onnx").read_bytes()
    (bundle / "model.onnx.onnx").write_bytes(content[:-10])
    with pytest.raises(BundleError, match=rf"altered: {len(content) - 10} bytes, not {len(content)}"):
        gatewise.load(bundle)


def test_a_newer_major_schema_is_refused_by_name(bundle):
    with pytest.raises(SchemaError, match=r"schema version 2\.0, this gatewise reads 1\.x: upgrade"):
        gatewise.load(change_manifest(bundle, schema_version="2.0"))


def test_a_newer_schema_is_refused_even_if_nothing_else_is_known_of_it(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema_version": "3.1"}')
    with pytest.raises(SchemaError, match=r"3\.1"):
        open_bundle(tmp_path)


def test_a_newer_minor_schema_with_unknown_entries_is_read(bundle):
    assert gatewise.load(change_manifest(bundle, schema_version="1.7", novelty={"a": 1})).predict("good").label


@pytest.mark.parametrize("version", [None, 1, "", "one", "0.9"])
def test_a_schema_version_that_is_none_is_refused(bundle, version):
    with pytest.raises(BundleError, match="schema_version"):
        open_bundle(change_manifest(bundle, schema_version=version))


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", '{"schema_version": "1.0"}'])
def test_a_manifest_that_is_none_is_refused(bundle, text):
    (bundle / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        open_bundle(bundle)


def test_places_without_a_bundle_are_refused(tmp_path):
    with pytest.raises(BundleError, match=r"no bundle at .*nowhere"):
        open_bundle(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        open_bundle(tmp_path)
    (tmp_path / "some.zip").write_bytes(b"not a zip")
    with pytest.raises(BundleError, match=r"not a readable \.zip"):
        open_bundle(tmp_path / "some.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        open_bundle(tmp_path / "empty.zip")


def test_a_damaged_zip_member_is_refused(bundle, tmp_path):
    archive = zipped(bundle, tmp_path / "sentiment.zip")
    content = archive.read_bytes()
    place = content.index((bundle / "model.onnx.onnx").read_bytes()[:64])
    archive.write_bytes(content[: place + 8] + b"\x00\xff" + content[place + 10 :])
    with pytest.raises(BundleError, match=r"model\.onnx\.onnx"):
        open_bundle(archive)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "a/b.txt", "..", "C:x", "a\\b"])
def test_file_names_that_lead_out_of_the_bundle_are_refused(bundle, tmp_path, name):
    (tmp_path / "outside.txt").write_bytes(b"secret")
    manifest = json.loads((bundle / "manifest.json").read_text())
    change_manifest(bundle, files=manifest["files"] | {name: stated(b"secret")})
    with pytest.raises(BundleError, match="not a plain file name"):
        open_bundle(bundle)


def test_reading_a_zip_writes_nothing_whatever_its_member_names(bundle, tmp_path):
    (tmp_path / "inner").mkdir()
    archive = zipped(bundle, tmp_path / "inner" / "sentiment.zip")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("../slipped.txt", "out")
        opened.writestr("/slipped.txt", "out")
    before = sorted(tmp_path.rglob("*"))
    gatewise.load(archive).predict("good")
    assert sorted(tmp_path.rglob("*")) == before


def test_pickled_test_vectors_are_refused_unread(bundle):
    buffer = io.BytesIO()
    np.savez(buffer, **{"case0/input/ids": np.array([{"a": 1}], dtype=object)})
    (bundle / "testvectors.npz").write_bytes(buffer.getvalue())
    manifest = json.loads((bundle / "manifest.json").read_text())
    change_manifest(bundle, files=manifest["files"] | {"testvectors.npz": stated(buffer.getvalue())})
    with pytest.raises(BundleError, match=r"testvectors\.npz .* holds no plain arrays"):
        verify(open_bundle(bundle))


def test_an_unknown_variant_is_refused_with_those_there_are(bundle):
    with pytest.raises(BundleError, match="no variant 'int4': choose from onnx, padded"):
        gatewise.load(bundle, variant="int4")


def test_an_unknown_application_is_refused(bundle):
    with pytest.raises(BundleError, match="'weaving'"):
        gatewise.load(change_manifest(bundle, application="weaving"))


def test_settings_that_lack_an_entry_are_refused_by_name(bundle):
    with pytest.raises(BundleError, match="max_length"):
        gatewise.load(change_manifest(bundle, settings={"labels": ["a", "b"]}))


@pytest.mark.parametrize("threads", [-1, 1.5, "two", True])
def test_threads_that_are_no_number_are_refused(bundle, threads):
    with pytest.raises(InputError, match="threads"):
        gatewise.load(bundle, threads=threads)


def test_two_threads_answer_like_one(bundle):
    assert gatewise.load(bundle, threads=2).predict("good") == gatewise.load(bundle).predict("good")


def replace_variant(bundle, name, **changes):
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["variants"][name] |= changes
    return change_manifest(bundle, variants=manifest["variants"])


def test_a_model_that_its_runtime_cannot_open_is_refused_by_name(bundle):
    (bundle / "model.onnx.onnx").write_bytes(b"no model")
    replace_variant(bundle, "onnx", **stated(b"no model"))
    with pytest.raises(BundleError, match=r"model\.onnx\.onnx of bundle .*: onnxruntime cannot open it"):
        gatewise.load(bundle)


def test_a_model_with_other_names_than_its_manifest_is_refused(bundle):
    graph = json.loads((bundle / "manifest.json").read_text())["graph"]
    graph["inputs"][0]["name"] = "tokens"
    with pytest.raises(BundleError, match="disagree on ids, tokens"):
        gatewise.load(change_manifest(bundle, graph=graph))


def test_an_unknown_runtime_is_refused_by_name(bundle):
    with pytest.raises(BundleError, match="needs 'abacus'"):
        gatewise.load(replace_variant(bundle, "onnx", runtime="abacus"))


@pytest.fixture
def no_litert(monkeypatch):
    """A device without LiteRT."""
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(__import__("sys").modules, name, None)


@pytest.mark.usefixtures("no_litert")
def test_a_missing_runtime_says_what_to_install(bundle):
    replace_variant(bundle, "padded", runtime="litert")
    with pytest.raises(MissingRuntimeError, match=r"pip install 'gatewise\[litert\]'"):
        gatewise.load(bundle, variant="padded")
    with pytest.raises(MissingRuntimeError):
        SESSIONS["litert"](b"", 1)


def test_verify_replays_every_variant_and_the_tokenizer(tiny_bundles):
    for folder in tiny_bundles.values():
        checks = verify(open_bundle(folder))
        require(open_bundle(folder), checks)
        assert {check.variant for check in checks} - {"tokenizer"} == set(open_bundle(folder).variants)
        assert all(check.passed and check.max_error <= check.tolerance for check in checks)
        assert all(check.milliseconds > 0 for check in checks)


@pytest.mark.usefixtures("no_litert")
def test_verify_says_what_it_skips(bundle):
    opened = open_bundle(replace_variant(bundle, "padded", runtime="litert"))
    checks = {check.variant: check for check in verify(opened)}
    assert checks["padded"].passed is None
    assert "gatewise[litert]" in checks["padded"].note
    require(opened, list(checks.values()))


@pytest.mark.usefixtures("no_litert")
def test_a_bundle_of_which_nothing_runs_does_not_verify(bundle):
    replace_variant(bundle, "padded", runtime="litert")
    opened = open_bundle(replace_variant(bundle, "onnx", runtime="litert"))
    with pytest.raises(VerificationError, match="no variant that this device can run"):
        require(opened, verify(opened))


def respoil_vectors(bundle, **changes):
    with np.load(bundle / "testvectors.npz") as archive:
        arrays = {key: archive[key] for key in archive.files} | changes
    buffer = io.BytesIO()
    np.savez(buffer, **{key: array for key, array in arrays.items() if array is not None})
    (bundle / "testvectors.npz").write_bytes(buffer.getvalue())
    manifest = json.loads((bundle / "manifest.json").read_text())
    return open_bundle(
        change_manifest(bundle, files=manifest["files"] | {"testvectors.npz": stated(buffer.getvalue())})
    )


@pytest.mark.parametrize(
    ("expected", "wrong"),
    [([[0.4, 0.6]], "off, tolerance"), ([[np.nan, 0.5]], "inf off"), ([[0.2, 0.3, 0.5]], "inf off")],
)
def test_a_variant_that_computes_something_else_does_not_verify(bundle, expected, wrong):
    opened = respoil_vectors(bundle, **{"case0/output/probabilities": np.array(expected, np.float32)})
    checks = verify(opened)
    assert [check.passed for check in checks[:2]] == [False, False]
    with pytest.raises(VerificationError, match=f"onnx: 'probabilities' is .*{wrong}"):
        require(opened, checks)


def test_a_tokenizer_that_gives_other_ids_does_not_verify(bundle):
    checks = verify(respoil_vectors(bundle, **{"ids/0": np.array([2, 4], np.int32)}))
    assert checks[-1].variant == "tokenizer"
    assert checks[-1].passed is False


def test_a_bundle_without_cases_does_not_verify(bundle):
    with np.load(bundle / "testvectors.npz") as archive:
        gone = dict.fromkeys(archive.files)
    with pytest.raises(VerificationError, match="holds no case"):
        verify(respoil_vectors(bundle, **gone))
