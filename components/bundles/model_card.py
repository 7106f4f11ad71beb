"""The model card of a bundle: what it is, what it was trained on, how well it does, what it is not good for."""

from collections.abc import Mapping
from typing import Any

from components.application import Application, Description
from components.bundles.verdict import score_table, verdict_line
from components.data.choices import Choice, choices_list

INSTALL = "pip install gatewise"


def model_card(
    app: Application[Any], manifest: Mapping[str, Any], verdict: Mapping[str, Any], description: Description
) -> str:
    """The card as Markdown, every number taken from the manifest and the evaluation."""
    data = manifest["data"]
    choices = choices_list([Choice(**entry) for entry in manifest["choices"]]) or "Nothing had to be."
    facts = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in data.items())
    return (
        f"# {manifest['name']}\n\n{app.title}: a gated recurrent unit (GRU) network trained by Gatewise, "
        f"version {manifest['version']}, preset `{manifest['preset']}`.\n\n"
        f"## How well it does\n\n{verdict_line(app, verdict)}\n\n{score_table(app, verdict)}\n\n"
        f"Measured on {verdict['test_examples']:,} test examples that no choice was made on.\n\n"
        f"{front_door_line(manifest['front_door'])}\n\n"
        f"## Use\n\n```python\n# {INSTALL}\n{description.usage.strip()}\n```\n\n"
        f"## Files\n\n{variant_table(app, manifest)}\n\n"
        f"`parity` is the largest absolute difference from the Keras model on the test vectors; a metric with a star "
        f"was measured on a part of the test examples.{_notes(app, manifest)}\n\n"
        f"## Data\n\n{facts}\n\n"
        f"## What was chosen from the data\n\n{choices}\n\n"
        f"## Limits\n\n{description.limits.strip() or 'None stated.'}\n"
    )


def _notes(app: Application[Any], manifest: Mapping[str, Any]) -> str:
    """What must be said of files that lose too much, that do not ship, and that are for microcontrollers."""
    notes = ""
    worse = {name: v["loss"] for name, v in manifest["variants"].items() if not v.get("recommended", True)}
    if worse:
        losses = ", ".join(f"{name} {value:.4g}" for name, value in worse.items())
        notes += (
            f"\n\n† Not used unless asked for: on the validation part its {app.metric.name.replace('_', ' ')} is worse "
            f"than float32's by more than 0.2 points or 0.5% ({losses})."
        )
    for name, variant in manifest["variants"].items():
        if micro := variant.get("micro"):
            arena = f" and {micro['arena_bytes']:,} of arena" if micro.get("arena_bytes") else ""
            notes += (
                f"\n\n`{name}` is for TensorFlow Lite Micro: one step, {variant['bytes']:,} bytes of flash{arena}, the "
                f"runtime aside. `gatewise header BUNDLE` writes it as a C header."
            )
    lines = [f"- {item['variant']} in {item['precision']}: {item['reason']}" for item in manifest.get("left_out", ())]
    return notes + ("\n\nFiles that do not ship:\n\n" + "\n".join(lines) if lines else "")


def front_door_line(found: Mapping[str, Any]) -> str:
    """One sentence: that the light package answered raw rows as the evaluation did."""
    return (
        f"{found['rows']} raw test rows, as a user's file has them, were given to the light package in a process of "
        f"its own: it answered as the evaluation did (largest difference {found['largest_difference']:.1e})."
    )


def variant_table(app: Application[Any], manifest: Mapping[str, Any]) -> str:
    """A Markdown table of the bundle's variants: size, parity, metric and time."""
    lines = [f"| variant | file | bytes | parity | {app.metric.name} | ms per prediction |", "|---" * 6 + "|"]
    for name, variant in manifest["variants"].items():
        star = "*" if variant.get("metric_examples") else ""
        metric = "" if variant["metric"] is None else app.metric.shown(variant["metric"]) + star
        mark = "" if variant.get("recommended", True) else " †"
        lines.append(
            f"| {name}{mark} | {variant['file']} | {variant['bytes']:,} | {variant['parity']:.1e} | {metric} "
            f"| {variant['latency_ms']:.3f} |"
        )
    return "\n".join(lines)
