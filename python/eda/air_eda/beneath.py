"""Opens a file below the base path, and nothing else.

The way is walked folder by folder, each opened relative to the one before without following links,
so that neither `..`, nor an absolute name, nor a link, nor a swap while walking leads out.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from .problem import Failure

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def open_beneath(base: Path | None, name: str) -> int:
    """A descriptor of the regular file `name` below `base`; the caller closes it."""
    if base is None:
        raise Failure("forbidden", "This service reads no files: it has no base path.")
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Failure("forbidden", "A path is relative, below the base path, without . and ..")
    here = os.open(base, FOLDER)
    try:
        for part in parts[:-1]:
            below = os.open(part, FOLDER, dir_fd=here)
            os.close(here)
            here = below
        found = os.open(parts[-1], FILE, dir_fd=here)
    except OSError as error:
        raise refused(error) from error
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise Failure("forbidden", "The path does not name a regular file.")
    return found


def refused(error: OSError) -> Failure:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EACCES, errno.EPERM):
        return Failure("forbidden", "The path goes over a link, or over what is no folder.")
    if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
        return Failure("not_found", "There is no such file below the base path.")
    return Failure("internal", f"The file cannot be opened: {error.strerror}.")
