"""SIM: the simulated case system."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class SimulationError(OpusSoapError):
    """What the simulated case system does on purpose, or cannot do."""


class SimulatedFault(SimulationError):
    """The behaviour `fault`: the simulated case system refuses an invoice."""

    code = "SIM-001"
    danish = "Det simulerede fagsystem afviser fakturaen {value} med vilje"
    english = "The simulated case system refuses the invoice {value} on purpose"
    remedy_danish = "Vælg en anden adfærd for fakturaen."
    remedy_english = "Choose another behaviour for the invoice."


class BehaviourUnknown(SimulationError):
    """No behaviour has this name."""

    code = "SIM-002"
    danish = "Adfærden {value} findes ikke; vælg mellem {expected}"
    english = "There is no behaviour {value}; choose from {expected}"
    remedy_danish = "Se `opus-soap simulate case-system --help`."
    remedy_english = "See `opus-soap simulate case-system --help`."


class ProcessFailed(SimulationError):
    """A process of the demo did not start."""

    code = "SIM-003"
    danish = "{element} startede ikke: {value}"
    english = "{element} did not start: {value}"
    remedy_danish = "Læs loggen ovenfor; kør med --keep for at beholde den."
    remedy_english = "Read the log above; run with --keep to keep it."
