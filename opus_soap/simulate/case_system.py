"""The simulated case system, put together: its server and its worker over a database of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opus_soap.app import assemble_worker, build_front
from opus_soap.clock import Clock
from opus_soap.settings import Settings
from opus_soap.simulate.answering import Answering
from opus_soap.simulate.behaviours import Choice
from opus_soap.simulate.page import with_page
from opus_soap.simulate.receiving import Reception, invoice_service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True)
class CaseSystem:
    """What a simulated case system is made of. Times in seconds."""

    settings: Settings
    clock: Clock
    opus_url: str
    choice: Choice = field(default_factory=Choice)
    answer_delay_seconds: float = 0.5
    slow_seconds: float = 2.0

    def server(self) -> WSGIApplication:
        """Its SOAP server with its page, and a thread that sends its answers."""
        application = self.front()
        answering = Answering(self.opus_url, next_step_seconds=self.answer_delay_seconds)
        worker = assemble_worker([answering.register], self.settings, self.clock)
        threading.Thread(
            target=worker.run, args=(threading.Event(), threading.Event()), name="answers", daemon=True
        ).start()
        return application

    def front(self) -> WSGIApplication:
        """The server without the thread: what can be made, and thrown away, before a fork."""
        reception = Reception(self.choice, self.clock, self.answer_delay_seconds, self.slow_seconds)
        return with_page(build_front([invoice_service(reception)], self.settings, self.clock), reception)
