"""What a person is told when a command fails: one line, whatever it was that they could cause."""

import errno
import os

HELP = "Exit codes: 0 done; 1 an error, told in one line; 2 a command line that is not understood; 130 interrupted."
SPACE = {errno.ENOSPC, errno.EDQUOT}
SERVER = ("ConnectError", "ConnectTimeout", "ReadTimeout", "ConnectionRefusedError")  # of httpx and below


def told(error: BaseException) -> str | None:
    """One line about an error that a user can cause; None for one that is a defect of ours and wants a traceback."""
    line = _line(error)
    return None if line is None else " ".join(line.split())


def _line(error: BaseException) -> str | None:
    from gatewise.errors import GatewiseError

    if isinstance(error, GatewiseError):
        return str(error)
    if _is_about_server(error):
        address = os.environ.get("PREFECT_API_URL", "the temporary server")
        return f"no Prefect server answers at {address}: start one (make serve), or unset PREFECT_API_URL"
    if isinstance(error, OSError) and error.errno:
        where = f"{error.filename}: " if error.filename else ""
        what = "make room and run it again" if error.errno in SPACE else "see that it is there and yours to use"
        return f"{where}{error.strerror}: {what}"
    if isinstance(error, MemoryError):
        return "not enough memory: take a smaller preset, fewer rows or a smaller batch_size"
    return None


def _is_about_server(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, is a server that cannot be reached."""
    while error is not None:
        if type(error).__name__ in SERVER or "Failed to reach API" in str(error):
            return True
        error = error.__cause__
    return False
