"""Reading and changing files under one root, and nowhere else.

Paths are walked from an open folder to the next without following links, so that a link made
between check and use leads nowhere; where the platform cannot do that (Windows), each step is
checked. All changes of one call are made, or none: contents are staged beside their targets,
compared once more with what was read, and then put in place by renames; what fails is rolled back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.codex.patch_format import PatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from langchain_aimlapi.codex.patching import Change

MAX_FILE_BYTES = 10_000_000
"""The largest file that is read."""

_OPENS_AT = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_LONGEST_PATH = 1_000  # bytes; with the root before it, other programs have to open it too
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"^[A-Za-z]:")


def checked_path(path: str) -> str:
    """Return a path in its plain form: relative, with forward slashes, without dots.

    Raises:
        PatchError: It is absolute, leads upwards, or names no file.
    """
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        raise PatchError(f"{path!r} holds half a character.") from None
    if length > _LONGEST_PATH:
        raise PatchError(f"{path[:80]}…: the path is longer than {_LONGEST_PATH:,} bytes.")
    if _CONTROL.search(path):
        raise PatchError(f"{path!r} is no path: it holds a control character.")
    if path.startswith(("/", "\\", "~")) or _DRIVE.match(path):
        raise PatchError(f"{path}: absolute paths are refused. Name it relative to the root.")
    parts = [part for part in re.split(r"[/\\]" if os.sep == "\\" else "/", path) if part != "."]
    if ".." in re.split(r"[/\\]", path):
        raise PatchError(f'{path}: ".." is refused. Paths stay under the root.')
    if not parts or not all(parts):
        raise PatchError(f"{path!r} names no file.")
    return "/".join(parts)


@dataclass(frozen=True)
class _Spot:
    """An open folder, and the name of something in it."""

    folder: Path
    fd: int | None
    name: str

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of `os` on it."""
        if self.fd is None:
            return function(self.folder / self.name, *args, **kwargs)
        return function(self.name, *args, **kwargs, dir_fd=self.fd)

    def beside(self, name: str) -> _Spot:
        """Return another name in the same folder."""
        return _Spot(self.folder, self.fd, name)

    def move(self, function: Callable[..., None], other: _Spot) -> None:
        """Call `os.replace` or `os.link` from here to another name in the same folder."""
        if self.fd is None:
            function(self.folder / self.name, other.folder / other.name)
        else:
            function(self.name, other.name, src_dir_fd=self.fd, dst_dir_fd=other.fd)


class Tree:
    """The files under a root."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Take a folder as the root.

        Raises:
            NotADirectoryError: There is none.
        """
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise NotADirectoryError(f"{self.root} is no folder; the root has to exist.")
        self._modes: dict[str, int] = {}

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is nothing.

        Raises:
            PatchError: It is no regular file, too large, or behind a link.
        """
        try:
            with self._spot(path) as spot:
                return self._read(spot, path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refusal(path, error) from error

    def _read(self, spot: _Spot, path: str) -> bytes:
        status = spot.call(os.stat, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            raise PatchError(f"{path} is a link, and links are not followed. Patch its target.")
        if stat.S_ISDIR(status.st_mode):
            raise PatchError(f"{path} is a folder; a patch changes files alone.")
        if not stat.S_ISREG(status.st_mode):
            raise PatchError(f"{path} is no regular file.")
        if status.st_size > MAX_FILE_BYTES:
            raise PatchError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes.")
        # A pipe put in its place meanwhile must not block, nor a link lead elsewhere.
        with os.fdopen(spot.call(os.open, os.O_RDONLY | _FILE | _NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PatchError(f"{path} is no regular file.")
            self._modes[path] = stat.S_IMODE(status.st_mode)
            return file.read(MAX_FILE_BYTES + 1)

    @contextlib.contextmanager
    def _spot(self, path: str, made: list[str] | None = None) -> Iterator[_Spot]:
        """Open the folder of a path, step by step; with `made`, make folders that are missing."""
        *folders, name = checked_path(path).split("/")
        at = self.root
        fd = os.open(at, os.O_RDONLY | _FOLDER) if _OPENS_AT else None
        try:
            for number, folder in enumerate(folders, 1):
                step = _Spot(at, fd, folder)
                self._enter(step, path, "/".join(folders[:number]), made)
                at /= folder
                if fd is not None:
                    inner = step.call(os.open, os.O_RDONLY | _FOLDER)
                    os.close(fd)
                    fd = inner
            yield _Spot(at, fd, name)
        finally:
            if fd is not None:
                os.close(fd)

    @staticmethod
    def _enter(step: _Spot, path: str, folder: str, made: list[str] | None) -> None:
        try:
            status = step.call(os.stat, follow_symlinks=False)
        except FileNotFoundError:
            if made is None:
                raise
            step.call(os.mkdir)
            made.append(folder)
            return
        if stat.S_ISLNK(status.st_mode):
            raise PatchError(f"{path}: {folder} is a link, and links are not followed.")
        if not stat.S_ISDIR(status.st_mode):
            raise PatchError(f"{path}: {folder} is a file, no folder.")

    # --- changing ---------------------------------------------------------------------------------

    def apply(self, changes: Sequence[Change]) -> None:
        """Make all changes, or none.

        Raises:
            PatchError: A file is not as it was read any more, or cannot be written.
        """
        with contextlib.ExitStack() as undo:
            made: list[str] = []
            undo.callback(self._remove_folders, made)
            # Files are written before others go away: killed in between, a move has lost nothing.
            changes = sorted(changes, key=lambda change: change.after is None)
            staged = [self._stage(change, made, undo) for change in changes]
            for change in changes:
                if self.read(change.path) != change.before:
                    raise PatchError(
                        f"{change.path} changed while the patch was worked out. Nothing was "
                        "changed; look at it and try again."
                    )
            for change, temporary in zip(changes, staged, strict=True):
                # Registered before the change: an interrupt in between must undo it too.
                undo.callback(self._put_back, change)
                self._commit(change, temporary)
            undo.pop_all()

    def _stage(self, change: Change, made: list[str], undo: contextlib.ExitStack) -> str | None:
        """Write the new content beside its target; return its name."""
        if change.after is None:
            return None
        name = f".{secrets.token_hex(8)}.patch"
        undo.callback(self._discard, change.path, name)
        mode = self._modes.get(change.mode_of or change.path)
        try:
            with self._spot(change.path, made) as spot:
                self._write(spot.beside(name), change.after, mode)
        except OSError as error:
            raise _refusal(change.path, error) from error
        return name

    @staticmethod
    def _write(spot: _Spot, content: bytes, mode: int | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE
        with os.fdopen(spot.call(os.open, flags, 0o666 if mode is None else mode), "wb") as file:
            file.write(content)
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)

    def _commit(self, change: Change, temporary: str | None) -> None:
        try:
            with self._spot(change.path) as spot:
                if temporary is None:
                    spot.call(os.unlink)
                elif change.before is None:
                    _create(spot.beside(temporary), spot)
                else:
                    spot.beside(temporary).move(os.replace, spot)
        except OSError as error:
            raise _refusal(change.path, error) from error

    # --- undoing ----------------------------------------------------------------------------------

    def _discard(self, path: str, name: str) -> None:
        with contextlib.suppress(OSError, PatchError), self._spot(path) as spot:
            spot.beside(name).call(os.unlink)

    def _put_back(self, change: Change) -> None:
        """Undo a change that was made; leave alone what is not as this patch made it."""
        with contextlib.suppress(OSError, PatchError):
            mode = self._modes.get(change.path)
            if self.read(change.path) != change.after:
                return
            with self._spot(change.path) as spot:
                if change.before is None:
                    spot.call(os.unlink)
                    return
                temporary = spot.beside(f".{secrets.token_hex(8)}.patch")
                self._write(temporary, change.before, mode)
                temporary.move(os.replace, spot)

    def _remove_folders(self, made: list[str]) -> None:
        for folder in reversed(made):
            with contextlib.suppress(OSError, PatchError), self._spot(folder) as spot:
                spot.call(os.rmdir)


def _create(temporary: _Spot, spot: _Spot) -> None:
    """Give a staged file its name, unless that is taken by now."""
    try:
        temporary.move(os.link, spot)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if spot.folder.joinpath(spot.name).exists():
            raise
        temporary.move(os.replace, spot)
    else:
        temporary.call(os.unlink)


def _refusal(path: str, error: OSError) -> PatchError:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return PatchError(f"{path} is behind a link or a file, which is not followed.")
    return PatchError(f"{path}: {error.strerror or type(error).__name__}. Nothing was changed.")
