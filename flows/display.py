"""What Prefect's UI shows of a run: pages and tables beside the states and logs."""

from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from components.application import Application
from components.data.artifacts import Artifact
from components.pipeline.stages import REPORT, Promotion


def show_report(app: Application, report: Artifact) -> None:
    """The report as a page, and the metrics of the model and of every baseline as a table."""
    verdict = report.card()
    rows = {"this model": verdict["metrics"], **verdict["baselines"]}
    table: list[dict[str, Any]] = [{"scored": name.replace("_", " "), **metrics} for name, metrics in rows.items()]
    create_markdown_artifact((report.path / REPORT).read_text(encoding="utf-8"), key=_key(app, "report"))
    create_table_artifact(table, key=_key(app, "metrics"), description=f"test part, primary metric {app.metric.name}")


def show_variants(app: Application, bundle: Artifact) -> None:
    """The bundle's model files as a table."""
    columns = ("bytes", "precision", "parity", "metric", "latency_ms")
    variants = bundle.card().get("variants", {})
    table: list[dict[str, Any]] = [
        {"variant": name, **{column: entry.get(column) for column in columns}} for name, entry in variants.items()
    ]
    create_table_artifact(table, key=_key(app, "variants"), description=str(bundle.path))


def show_promotion(app: Application, promotion: Promotion) -> None:
    """Whether the bundle was published, with the numbers that decided, as a page."""
    title = "published" if promotion.published else "not published"
    create_markdown_artifact(
        f"# {app.title}: {title}\n\n{promotion.reason}\n\nThe bundle is at `{promotion.path}`.\n",
        key=_key(app, "promotion"),
    )


def _key(app: Application, what: str) -> str:
    return f"{app.name.replace('_', '-')}-{what}"
