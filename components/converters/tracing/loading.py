"""Reading saved Keras models that somebody else made, without running code that hides in them."""

import importlib
import importlib.util
import inspect
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.converters.specs import TensorSpec
from components.converters.tracing.keras_2 import KNOWN, modernised
from components.converters.tracing.sizes import check_arrays, check_sizes
from components.converters.tracing.trace import arguments_of, first_line
from components.errors import ConversionError
from components.networks import quiet_import

if TYPE_CHECKING:
    import keras

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
CONFIG, METADATA = "config.json", "metadata.json"
MODEL_CONFIG = "model_config"  # the attribute of an .h5 file that holds the layers
VERSION = "keras_version"
LONGEST_REASON = 300  # characters
OWN = f"{__name__.partition('.')[0]}."  # modules of this project, whose layers a file may name
CODE = ("Lambda", "__lambda__")  # a layer made from a Python function, and such a function anywhere else


@dataclass(frozen=True)
class Reading:
    """How a stranger's model is read.

    Attributes:
        allow_lambda: load `Lambda` layers, which runs the Python code stored in the file.
        code: Python files that define the layers and models in it which are not Keras' own; they are run.
        inputs: names and shapes, for a subclassed model that does not know them.
    """

    allow_lambda: bool = False
    code: Sequence[Path] = ()
    inputs: Sequence[TensorSpec] | None = None


AS_IT_IS = Reading()
UNREADABLE = (
    " (.h5 cannot hold every model: if all layers are Keras' own, save it as .keras, model.save('model.keras'))"
)


def load(path: Path, reading: Reading = AS_IT_IS) -> "keras.Model":
    """The model in a `.keras` or `.h5` file; `.h5` files of Keras 2 are read too.

    Raises:
        ConversionError: no file, no Keras model, a damaged one, one with a layer unknown here or a refused `Lambda`.
    """
    config, version = _config(path)
    lambdas = sorted(_names_of(config, CODE))
    if lambdas and not reading.allow_lambda:
        raise ConversionError(
            f"{path}: layer '{lambdas[0]}' is a Lambda, and loading it runs code from the file; "
            "if you trust it, allow Lambda layers (allow_lambda=True, --allow-lambda)"
        )
    quiet_import.import_tensorflow()
    import keras

    for module in sorted(_own_modules(config)):
        importlib.import_module(module)  # registers its layers with Keras
    known = {name: kind for file in reading.code for name, kind in _classes_in(file).items()}
    try:
        with tempfile.TemporaryDirectory() as folder:
            readable = _modern(path, config, version, Path(folder))
            safe = not reading.allow_lambda
            model = keras.saving.load_model(readable, custom_objects=KNOWN | known, compile=False, safe_mode=safe)
    except Exception as error:  # whatever keras, zipfile, h5py or a layer's own constructor raises
        hint = "" if path.suffix == ".keras" else UNREADABLE
        raise ConversionError(f"{path} cannot be loaded as a Keras model: {_reason(error)}{hint}") from error
    if not isinstance(model, keras.Model):
        raise ConversionError(f"{path} holds a {type(model).__name__}, not a Keras model")
    _build(model, path, reading.inputs or ())
    return model


def _build(model: "keras.Model", path: Path, inputs: Sequence[TensorSpec]) -> None:
    """Have a subclassed model that could not build itself make its weights, and read them again."""
    import keras

    if not inputs or all(layer.built for layer in model._flatten_layers(include_self=False)):
        return
    sizes = {tensor.name: [size if isinstance(size, int) else 1 for size in tensor.shape] for tensor in inputs}
    zeros = {tensor.name: keras.ops.zeros(sizes[tensor.name], tensor.dtype) for tensor in inputs}
    try:
        model(*arguments_of(model, zeros), training=False)
        model.load_weights(path)
    except Exception as error:  # whatever the model's own call raises
        raise ConversionError(f"{path}: the model cannot be called with these inputs: {_reason(error)}") from error


def _own_modules(config: Any) -> Iterator[str]:
    """The modules of this project that a configuration names, those that an older layout had left out."""
    if isinstance(config, Mapping):
        module = config.get("module")
        if isinstance(module, str) and module.startswith(OWN) and _exists(module):
            yield module
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _own_modules(value)


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # neither is the package that it names
        return False


def _classes_in(file: Path) -> dict[str, Any]:
    """Layers, models, functions and whatever else a Python file defines, by their names."""
    if not file.is_file():
        raise ConversionError(f"{file}: no such file with Python code")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ConversionError(f"{file} is no Python file: give one that defines the model's own layers")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)  # Keras looks there for the module that a saved class names
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever somebody's code raises
        raise ConversionError(f"{file} cannot be run: {type(error).__name__}: {first_line(error)}") from error
    defined = inspect.getmembers(module, lambda kind: inspect.isclass(kind) or inspect.isroutine(kind))
    return {name: kind for name, kind in defined if kind.__module__ == file.stem}


def _reason(error: Exception) -> str:
    """What a loader says, without the configurations of whole layers that Keras puts around it."""
    inner = str(error).rpartition("Exception encountered: ")[2].strip()
    said = first_line(RuntimeError(inner) if inner else error).split(" Full object config:")[0]
    said = said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON]}…"
    if "register_keras_serializable" in said or "Unknown layer" in said:
        said += " (--code FILE.py, or code=[…], names a file that defines it)"
    return said


def _modern(path: Path, config: Any, version: str, folder: Path) -> Path:
    """A copy in the terms of Keras 3; most files are fine already."""
    plain = modernised(config, version)
    if plain == config or zipfile.is_zipfile(path):
        return path
    import h5py

    copy = folder / "model.h5"
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        file.attrs[MODEL_CONFIG] = json.dumps(plain)
    return copy


def _config(path: Path) -> tuple[Any, str]:
    """What a file says about its layers, read without building any, and the version of Keras that wrote it."""
    if path.is_dir():
        raise ConversionError(f"{path} is a folder: give a .keras or .h5 file (model.save('model.keras'))")
    if not path.is_file():
        raise ConversionError(f"{path}: no such file")
    if zipfile.is_zipfile(path):
        return _zipped_config(path)
    with path.open("rb") as stream:
        start = stream.read(len(HDF5_SIGNATURE))
    if start == HDF5_SIGNATURE:
        return _hdf5_config(path)
    raise ConversionError(f"{path} is neither a .keras nor an .h5 file, or it is damaged: save the model again")


def _zipped_config(path: Path) -> tuple[Any, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            check_sizes(path, archive)
            damaged = archive.testzip()
            config = json.loads(archive.read(CONFIG))
            version = str(json.loads(archive.read(METADATA))[VERSION])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError) as error:
        raise ConversionError(f"{path} is not a Keras model, or it is damaged: {first_line(error)}") from error
    if damaged:
        raise ConversionError(f"{path} is damaged: its part {damaged} has a wrong checksum")
    if version.startswith("2."):
        raise ConversionError(f"{path} was saved by Keras {version}: save it there as .h5, which Keras 3 can read")
    if path.suffix != ".keras":
        raise ConversionError(f"{path} holds a .keras model under another ending: rename it to {path.stem}.keras")
    return config, version


def _hdf5_config(path: Path) -> tuple[Any, str]:
    import h5py

    try:
        with h5py.File(path) as file:
            check_arrays(path, file, path.stat().st_size)
            config, version = file.attrs.get(MODEL_CONFIG), file.attrs.get(VERSION, "")
    except OSError as error:
        raise ConversionError(f"{path} is a damaged .h5 file: {first_line(error)}") from error
    if config is None:
        raise ConversionError(f"{path} holds weights only: save the whole model (model.save('model.keras'))")
    if path.suffix not in (".h5", ".hdf5"):
        raise ConversionError(f"{path} holds an .h5 model under another ending: rename it to {path.stem}.h5")
    try:
        return json.loads(config), version.decode() if isinstance(version, bytes) else str(version)
    except ValueError as error:
        raise ConversionError(f"{path} is a damaged .h5 file: {first_line(error)}") from error


def _names_of(config: Any, kinds: Sequence[str], owner: str = "") -> set[str]:
    """Names of the layers that are of one of the kinds, or hold one, at any depth of a configuration."""
    found: set[str] = set()
    if isinstance(config, Mapping):
        inner = config.get("config")
        owner = str(inner["name"]) if isinstance(inner, Mapping) and "name" in inner else owner
        if config.get("class_name") in kinds:
            found.add(owner or str(config["class_name"]))
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            found |= _names_of(value, kinds, owner)
    return found
