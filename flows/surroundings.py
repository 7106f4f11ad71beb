"""What a run at a terminal needs around it: a quiet Prefect on this machine only, and our own log lines on stderr."""

import logging
import os
import sys
from typing import TextIO

DEFAULTS = {
    "DO_NOT_TRACK": "1",  # Prefect's client sends nothing
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # and neither does its server
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "600",  # the first start on a slow disk builds a database
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "NO_PROXY": "127.0.0.1,localhost",  # the temporary server is on this machine
}
OURS = ("components", "flows", "gatewise")


class Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at the moment: a progress bar takes its place while it is drawn."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def prepare(verbose: bool = False) -> None:
    """Set the environment before prefect and tensorflow are imported, and send log lines to stderr.

    What the user has set in the environment stays. Prefect's own lines reach its server and, if `verbose`, stderr.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    root = logging.getLogger()
    if any(isinstance(handler, Stderr) for handler in root.handlers):
        return
    handler = Stderr()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    if not verbose:
        handler.addFilter(lambda record: record.name.split(".")[0] in OURS)
    root.addHandler(handler)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
