"""`opus-soap serve`: the SOAP server, in gunicorn."""

from __future__ import annotations

import click

from opus_soap.cli.runtime import Runtime, address, reports_errors
from opus_soap.database import connected, disconnect

_SPARE_THREADS = 4


@click.command()
@click.option("--bind", default="127.0.0.1:8080", callback=address, help="HOST:PORT to listen on.")
@click.option("--workers", default=2, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--threads",
    default=8,
    type=click.IntRange(1, 256),
    help="Messages dealt with at a time, per process.",
)
@click.pass_obj
@reports_errors
def serve(runtime: Runtime, bind: str, workers: int, threads: int) -> None:
    """Run the SOAP server. Stop it with Ctrl-C or SIGTERM: requests under way are finished first.

    Each process listens to OPUS_SOAP_MAX_PENDING_REQUESTS callers at a time; more get 503 at once. Downloads
    of extracts and uploads of postings have numbers of their own, OPUS_SOAP_MAX_PENDING_DOWNLOADS and
    OPUS_SOAP_MAX_PENDING_UPLOADS.
    """
    from opus_soap.app import build_server
    from opus_soap.doctor.dates import log_ending
    from opus_soap.soap.serving import WsgiServer, scheme

    settings, clock = runtime.settings, runtime.clock
    runtime.open_database()  # every error shows here, before gunicorn starts a worker
    build_server(settings, clock, working=threads)
    with connected():
        log_ending(settings, clock)
    disconnect()  # no connection crosses the fork
    server = WsgiServer(
        lambda: build_server(settings, clock, working=threads),
        settings,
        bind=bind,
        workers=workers,
        # a thread for each caller that is listened to, for each download and upload, and some that tell the
        # others to come again
        threads=settings.max_pending_requests
        + settings.max_pending_downloads
        + settings.max_pending_uploads
        + _SPARE_THREADS,
    )
    click.echo(f"opus-soap listens on {scheme(settings)}://{bind}/  (health: /health)")
    server.run()
