"""A microcontroller's variant as a C header: the file's bytes, and all that a program must know to run them.

It serves C11 and C++11 and any runtime; for TensorFlow Lite Micro it adds the operations to a resolver.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatewise.bundle import Bundle, Variant
from gatewise.errors import BundleError

LARGEST_RANK = 4  # axes of an input or output
PER_LINE = 32  # bytes
ALIGNMENT = 16  # bytes, as TensorFlow Lite Micro wants a model's

PREAMBLE = """
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define GATEWISE_ALIGNED(bytes) alignas(bytes)
#else
#define GATEWISE_ALIGNED(bytes) _Alignas(bytes)
#endif

/* An input or output by the number that the interpreter gives it. A value is scale * (integer - zero_point); a scale
   of 0 means that the numbers are what they say. */
typedef struct {
  const char *name;
  const char *dtype; /* as NumPy names it */
  int32_t rank;
  int32_t shape[%(rank)d];
  float scale;
  int32_t zero_point;
} gatewise_tensor;

/* A state is carried by copying an output to an input before the next run; zeros before the first. */
typedef struct {
  int32_t input;
  int32_t output;
} gatewise_state;
"""


def micro_variant(bundle: Bundle) -> Variant | None:
    """The bundle's variant for microcontrollers, None where it has none."""
    return next((variant for variant in bundle.variants.values() if _micro(bundle, variant)), None)


def c_header(bundle: Bundle, variant: Variant | None = None) -> str:
    """The header's text, ASCII.

    Args:
        bundle: an open bundle.
        variant: one for microcontrollers; the bundle's own without.

    Raises:
        BundleError: there is no such variant, or the manifest describes more than a header can say.
    """
    variant = variant or micro_variant(bundle)
    if variant is None:
        raise BundleError(f"bundle {bundle.path} has no variant for microcontrollers: only models that stream have one")
    micro = _micro(bundle, variant)
    if micro is None:
        raise BundleError(f"variant '{variant.name}' of {bundle.path} is not for microcontrollers")
    title = f"{bundle.name} {bundle.version} variant {variant.name} in {variant.precision}"
    return header_text(title, bundle.read(variant.file), micro, bundle.settings)


def header_text(title: str, content: bytes, micro: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The header of a model file, ASCII.

    Args:
        title: what it is, for the comment at the top.
        content: the file's bytes.
        micro: its tensors, states and operations as a bundle's manifest holds them.
        settings: of the predictor; labels and whole numbers that a program needs are taken from it.

    Raises:
        BundleError: a tensor has more axes than a header says.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    parts = [
        f"/* {_plain(title)}.\n   Written by gatewise; include it in one source file.\n   sha256: {sha256} */",
        "#ifndef GATEWISE_MODEL_MICRO_H\n#define GATEWISE_MODEL_MICRO_H",
        PREAMBLE % {"rank": LARGEST_RANK},
        _numbers(settings, micro),
        _tensors("input", micro["inputs"]),
        _tensors("output", micro["outputs"]),
        _states(micro["states"]),
        _labels(settings.get("labels") or ()),
        _resolver(micro["operations"]),
        _model(content),
        "#endif",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _micro(bundle: Bundle, variant: Variant) -> Mapping[str, Any] | None:
    return bundle.manifest["variants"][variant.name].get("micro")


def _plain(text: str) -> str:
    """Text that can end neither a comment nor a string."""
    return re.sub(r"[^\x20-\x7e]|[\\\"]|\*/|\?\?", "?", text)


def _numbers(settings: Mapping[str, Any], micro: Mapping[str, Any]) -> str:
    """Settings that are whole numbers, and the arena."""
    names = {"sample_rate", "hop", "decision_frames", "refractory_ms", "prompt_token"}
    whole = {name: value for name, value in settings.items() if name in names and isinstance(value, int)}
    lines = [f"#define GATEWISE_{name.upper()} {value}" for name, value in sorted(whole.items())]
    if micro.get("arena_bytes"):
        lines.append("/* Measured with 64-bit pointers and TensorFlow Lite Micro's reference kernels. */")
        lines.append(f"#define GATEWISE_ARENA_BYTES {int(micro['arena_bytes'])}")
    return "\n".join(lines) + "\n" if lines else ""


def _tensors(kind: str, tensors: Sequence[Mapping[str, Any]]) -> str:
    """The number of every tensor under its name, and an array that describes them all."""
    lines = [f"#define GATEWISE_{kind.upper()}S {len(tensors)}"]
    names = [f"GATEWISE_{kind.upper()}_{re.sub('[^0-9A-Za-z]', '_', t['name']).upper()}" for t in tensors]
    lines += [f"#define {name} {index}" for index, name in enumerate(names)]
    rows = []
    for tensor in tensors:
        shape = tensor["shape"]
        if len(shape) > LARGEST_RANK:
            raise BundleError(f"'{tensor['name']}' has {len(shape)} axes: a C header is written for {LARGEST_RANK}")
        sizes = ", ".join(str(int(size)) for size in (*shape, *[1] * (LARGEST_RANK - len(shape))))
        name, dtype = (f'"{_plain(tensor[key])}"' for key in ("name", "dtype"))
        scale = f"{float(tensor['scale']):.9g}"
        scale = f"{scale}f" if re.search("[.e]", scale) else f"{scale}.0f"
        rows.append(f"    {{{name}, {dtype}, {len(shape)}, {{{sizes}}}, {scale}, {int(tensor['zero_point'])}}},")
    return "\n".join([*lines, f"static const gatewise_tensor gatewise_{kind}s[] = {{", *rows, "};\n"])


def _states(pairs: Iterable[Sequence[int]]) -> str:
    rows = [f"    {{{int(before)}, {int(after)}}}," for before, after in pairs]
    start = [f"#define GATEWISE_STATES {len(rows)}", "static const gatewise_state gatewise_states[] = {"]
    return "\n".join([*start, *rows, "};\n"])


def _labels(labels: Sequence[str]) -> str:
    """Labels in the order of the probabilities, what is not ASCII as octal escapes."""
    if not labels:
        return ""
    rows = [f'    "{_octal(label)}",' for label in labels]
    start = [f"#define GATEWISE_LABELS {len(rows)}", "static const char *const gatewise_labels[] = {"]
    return "\n".join([*start, *rows, "};\n"])


def _octal(text: str) -> str:
    safe = set(range(0x20, 0x7F)) - set(b'"\\?')
    return "".join(chr(byte) if byte in safe else f"\\{byte:03o}" for byte in text.encode())


def _resolver(methods: Sequence[str]) -> str:
    """A macro that adds what the model needs to a MicroMutableOpResolver."""
    calls = [f"    (void)(resolver).{re.sub('[^0-9A-Za-z]', '', method)}();" for method in methods]
    lines = [f"#define GATEWISE_OPERATIONS {len(calls)}", "#define GATEWISE_ADD_OPERATIONS(resolver)", "  do {", *calls]
    return lines[0] + "\n" + " \\\n".join([*lines[1:], "  } while (0)"]) + "\n"


def _model(content: bytes) -> str:
    rows = (content[start : start + PER_LINE] for start in range(0, len(content), PER_LINE))
    lines = [f"    {','.join(map(str, row))}," for row in rows]
    start = [
        f"#define GATEWISE_MODEL_BYTES {len(content)}",
        f"GATEWISE_ALIGNED({ALIGNMENT}) static const unsigned char gatewise_model[GATEWISE_MODEL_BYTES] = {{",
    ]
    return "\n".join([*start, *lines, "};\n"])
