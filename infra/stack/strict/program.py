"""Runs ministack as its own program does, with the layer around it."""

from __future__ import annotations

from . import dead_letters, invocations, services, watch
from .layer import Layer
from .middleware import around
from .streams import Streams


def main() -> None:
    """Serves until it is told to end. With TLS ministack would take port 443 as well, if it may: it may not."""
    from ministack import app as ministack

    layer = Layer()
    services.install(layer)
    invocations.install(layer)
    dead_letters.install()
    Streams(watch.read_late).install()
    layer.watch.install()
    ministack.app = around(ministack.app, layer)
    ministack._port_is_bindable = lambda *_: False
    ministack.main()
