"""Reading saved Keras models that somebody else made, without running code that hides in them."""

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.converters.tracing import first_line
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
CONFIG = "config.json"


def load(path: Path, allow_lambda: bool = False) -> "keras.Model":
    """The model in a `.keras` or `.h5` file.

    Args:
        path: the file.
        allow_lambda: load `Lambda` layers, which runs the Python code stored in the file.

    Raises:
        ConversionError: no file, no Keras model, a damaged one, one with a layer unknown here or a refused `Lambda`.
    """
    config = _config(path)
    lambdas = sorted(_names_of(config, "Lambda"))
    if lambdas and not allow_lambda:
        raise ConversionError(
            f"{path}: layer '{lambdas[0]}' is a Lambda, and loading it runs code from the file; "
            "if you trust it, allow Lambda layers (allow_lambda=True, --allow-lambda)"
        )
    import keras

    from components import layers

    known = {kind.__name__: kind for kind in (layers.Tail, layers.LogMel)}
    try:
        model = keras.saving.load_model(path, custom_objects=known, compile=False, safe_mode=not allow_lambda)
    except Exception as error:  # whatever keras, zipfile, h5py or a layer's own constructor raises
        raise ConversionError(f"{path} cannot be loaded as a Keras model: {first_line(error)}") from error
    if not isinstance(model, keras.Model):
        raise ConversionError(f"{path} holds a {type(model).__name__}, not a Keras model")
    return model


def _config(path: Path) -> Any:
    """What a file says about its layers, read without building any."""
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


def _zipped_config(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            config = json.loads(archive.read(CONFIG))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ConversionError(f"{path} is not a Keras model, or it is damaged: {first_line(error)}") from error
    if damaged:
        raise ConversionError(f"{path} is damaged: its part {damaged} has a wrong checksum")
    return config


def _hdf5_config(path: Path) -> Any:
    import h5py

    try:
        with h5py.File(path) as file:
            config = file.attrs.get("model_config")
    except OSError as error:
        raise ConversionError(f"{path} is a damaged .h5 file: {first_line(error)}") from error
    if config is None:
        raise ConversionError(f"{path} holds weights only: save the whole model (model.save('model.keras'))")
    return json.loads(config)


def _names_of(config: Any, kind: str) -> set[str]:
    """Names of all layers of a class, at any depth of a configuration."""
    found: set[str] = set()
    if isinstance(config, dict):
        if config.get("class_name") == kind:
            inner = config.get("config")
            found.add(str(inner.get("name", kind)) if isinstance(inner, dict) else kind)
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            found |= _names_of(value, kind)
    return found
