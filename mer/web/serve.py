"""Start the server, print its address, open a browser, and delete all files at the end."""

import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mer_core.dependencies import import_extra
from mer_core.errors import BadInput, UnreadableFile
from mer_core.progress import say
from mer_core.text import format_count

if TYPE_CHECKING:
    import uvicorn

TEXT_BROWSERS = ("elinks", "links", "lynx", "w3m", "www-browser")


class PortUnavailable(BadInput):
    """The server cannot listen on the port."""

    code = "port-unavailable"


def serve(
    port: int,
    bundles: list[Path] | None = None,
    open_browser: bool = True,
    keep_s: float | None = None,
    device: str = "auto",
    blur: bool = False,
) -> None:
    """Serve until interrupted (SIGINT, SIGTERM, SIGHUP); clips are deleted before it returns.

    Parameters
    ----------
    port : int
        Of 127.0.0.1; 0 takes a free one.
    bundles : list of Path or None
        Bundles in addition to the shipped ones; the first is the default.
    open_browser : bool
    keep_s : float or None
        Time from the end of a clip's analysis to its deletion, s.
    device : str
        Of the flow network: auto, cpu, cuda or mps.
    blur : bool
        Show the mesh of the face instead of the picture in everything that is drawn.

    Raises
    ------
    BadInput
        If the port is in use, or a folder is not a bundle.
    MissingDependency
        If the extra [app] is not installed.
    """
    uvicorn, app = (import_extra(name, "app", "The page") for name in ("uvicorn", "mer.web.app"))
    from mer.inference import models
    from mer.web.clips import KEEP_S, Clips
    from mer.web.storage import Storage

    models.use_device(device)
    offered, listener = offered_bundles(bundles or []), listen(port)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    # uvicorn handles SIGTERM while it serves, then raises it again: exit normally, so that files are deleted.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))

    with Storage() as storage, listener:
        if storage.n_leftovers:
            say(f"Deleted the files of {format_count(storage.n_leftovers, 'killed server')}.")
        site = app.create_app(Clips(storage, offered, keep_s or KEEP_S, blur))
        config = uvicorn.Config(site, log_level="error", access_log=False, timeout_graceful_shutdown=2)
        _run(_announced_server(config, address, open_browser), listener)


def _run(server: "uvicorn.Server", listener: socket.socket) -> None:
    """Serve until a signal ends it; a closed terminal counts as one."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, server.handle_exit)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _announced_server(config: "uvicorn.Config", address: str, open_browser: bool) -> "uvicorn.Server":
    """Return a server that prints its address, and opens a browser, once it answers."""
    import uvicorn

    class AnnouncedServer(uvicorn.Server):
        async def startup(self, sockets=None) -> None:
            await super().startup(sockets)
            print(address, flush=True)
            say("Open this address in a browser on this machine. Ctrl+C ends it and deletes all clips.")
            if open_browser:
                threading.Thread(target=open_in_browser, args=(address,), daemon=True).start()

    return AnnouncedServer(config)


def listen(port: int) -> socket.socket:
    """Return a socket on 127.0.0.1 only; raise `PortUnavailable` if another program has it."""
    listener = socket.socket()
    if os.name == "posix":  # elsewhere the option lets two servers share one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortUnavailable(
            f"Port {port} cannot be used ({error.strerror}). Is mer app running already? "
            "--port 0 takes a free one."
        ) from error
    return listener


def offered_bundles(folders: list[Path]) -> dict[str, str]:
    """Return the path of each bundle by name, the given ones first; raise `BadInput` if one is none."""
    shipped = sorted((Path(__file__).parents[1] / "bundles").glob("*/bundle.json"))
    found: dict[str, str] = {}
    for folder in [*folders, *(file.parent for file in shipped)]:
        if not (folder / "bundle.json").is_file():
            raise UnreadableFile(
                f"{folder} is not a bundle: it has no bundle.json. Make one: mer train PREPARED --out "
                f"{folder}"
            )
        name = folder.resolve().name
        found.setdefault(name if name not in found else str(folder), str(folder))
    return found


def open_in_browser(address: str) -> None:
    """Open a graphical browser; a text browser would take over the server's terminal."""
    import webbrowser

    needs_display = sys.platform not in ("darwin", "win32")
    if needs_display and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if Path(browser.name).name not in TEXT_BROWSERS:
        browser.open(address)
