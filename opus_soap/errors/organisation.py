"""EXT-130…149: the organisation (units and employees), read in and given out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from opus_soap.errors.base import OpusSoapError
from opus_soap.errors.extracts import ExtractError


class OrganisationMistake(NamedTuple):
    """What is wrong in a file, and in which of its lines; 0 for the file as a whole."""

    line: int
    error: OpusSoapError


class OrganisationError(ExtractError):
    """A file of units and employees cannot be loaded, or not be made."""


class OrganisationFileUnreadable(OrganisationError):
    """It is no XML, or has what nobody here reads: a DOCTYPE."""

    code = "EXT-130"
    danish = "Filen kan ikke læses som XML ({element}): {value}"
    english = "The file cannot be read as XML ({element}): {value}"
    remedy_danish = "Dan filen igen: velformet XML i UTF-8, uden DOCTYPE."
    remedy_english = "Make the file again: well-formed XML in UTF-8, without a DOCTYPE."


class OrganisationRootWrong(OrganisationError):
    """It is XML of another kind."""

    code = "EXT-131"
    danish = "Filens rod er {value}; den skal være {expected} uden navnerum"
    english = "The root of the file is {value}; it must be {expected}, in no namespace"
    remedy_danish = "Indlæs en fil med organisation og medarbejdere, som wsdl/Udtraek/Organisation.xsd viser."
    remedy_english = "Load a file of units and employees, as wsdl/Udtraek/Organisation.xsd shows."


class OrganisationFileTooLarge(OrganisationError):
    """More than anybody's organisation."""

    code = "EXT-132"
    danish = "Filen er for stor ({element}): {value}; højst {expected}"
    english = "The file is too large ({element}): {value}; at most {expected}"
    remedy_danish = "Del filen i flere; enheder før de medarbejdere, der hører til dem."
    remedy_english = "Divide the file; units before the employees that belong to them."


class OrganisationFormWrong(OrganisationError):
    """An element that the schema refuses. The value is not told: it may be a person's."""

    code = "EXT-133"
    danish = "{element} passer ikke til skemaet: {expected}"
    english = "{element} does not fit the schema: {expected}"
    remedy_danish = "Ret elementet; docs/interfaces/organisation.md viser form og rækkefølge."
    remedy_english = "Mend the element; docs/interfaces/organisation.md shows form and order."


class OrganisationNumberRepeated(OrganisationError):
    """Two units, or two employees, with one number."""

    code = "EXT-134"
    danish = "{element} {value} står to gange i filen, første gang i linje {expected}"
    english = "{element} {value} is in the file twice, the first time in line {expected}"
    remedy_danish = "Lad én af dem stå."
    remedy_english = "Leave one of them."


class OrgUnitParentUnknown(OrganisationError):
    """A unit is below one that there is not."""

    code = "EXT-135"
    danish = "Enhed {element} hører under {value}, som ikke findes"
    english = "Unit {element} is below {value}, which does not exist"
    remedy_danish = "Tag den overordnede enhed med i filen, eller ret parentOrgUnit."
    remedy_english = "Put the unit above into the file, or mend parentOrgUnit."


class OrgUnitCycle(OrganisationError):
    """Units that are below themselves."""

    code = "EXT-136"
    danish = "Enhederne {value} hører under hinanden i ring"
    english = "The units {value} are below each other in a circle"
    remedy_danish = "Ret parentOrgUnit i en af dem."
    remedy_english = "Mend parentOrgUnit in one of them."


class EmployeeUnitUnknown(OrganisationError):
    """An employee belongs to a unit that there is not."""

    code = "EXT-137"
    danish = "Medarbejder {element} hører til enhed {value}, som ikke findes"
    english = "Employee {element} belongs to unit {value}, which does not exist"
    remedy_danish = "Tag enheden med i filen, eller ret orgUnit."
    remedy_english = "Put the unit into the file, or mend orgUnit."


class OrganisationDateWrong(OrganisationError):
    """A day that there is not, or an end before its beginning."""

    code = "EXT-138"
    danish = "{element} {value} kan ikke være: {expected}"
    english = "{element} {value} cannot be: {expected}"
    remedy_danish = "Brug en dato, der findes (åååå-mm-dd), og en slutdato, der ikke ligger før startdatoen."
    remedy_english = "Use a day that there is (yyyy-mm-dd), and an end that is not before the beginning."


class PersonNumberMisplaced(OrganisationError):
    """What looks like a person's number stands in a text: it would be handed on with it."""

    code = "EXT-139"
    danish = "{element} ser ud til at indeholde et personnummer"
    english = "{element} seems to hold a person's number"
    remedy_danish = "Personnumre må kun stå i elementet cpr."
    remedy_english = "Numbers of persons may stand in the element cpr alone."


class OrganisationRefused(OrganisationError):
    """A file with mistakes, in the order of its lines: nothing of it was loaded."""

    mistakes: Sequence[OrganisationMistake] = ()

    code = "EXT-140"
    danish = "Filen {element} har {value} fejl; intet er indlæst"
    english = "The file {element} has {value} mistakes; nothing was loaded"
    remedy_danish = "Ret fejlene; `--dry-run` viser dem uden at indlæse."
    remedy_english = "Mend the mistakes; `--dry-run` tells them without loading."


class OrgUnitLeftOut(OrganisationError):
    """A file that is to be the whole organisation lacks a unit: on which day that ended nobody can tell."""

    code = "EXT-141"
    danish = "Enhed {value} mangler i en fil, der skal være hele organisationen"
    english = "Unit {value} is missing from a file that is to be the whole organisation"
    remedy_danish = "Tag enheden med og giv den en endDate, eller indlæs uden --full."
    remedy_english = "Put the unit into the file with an endDate, or load without --full."


class EanDoubtful(OrganisationError):
    """A warning: the check digit of an EAN number is wrong; it is taken all the same."""

    code = "EXT-142"
    danish = "eanNr {value} for enhed {element} har et forkert kontrolciffer"
    english = "eanNr {value} of unit {element} has a wrong check digit"
    remedy_danish = "Se efter i EAN-registret; nummeret er indlæst, som det står."
    remedy_english = "Look it up in the EAN register; the number was taken as it stands."


class LeaverUnknown(OrganisationError):
    """A warning: somebody leaves who is not there, or has left already."""

    code = "EXT-143"
    danish = "Medarbejder {value} fratræder, men findes ikke"
    english = "Employee {value} leaves, but is not there"
    remedy_danish = "Intet, hvis filen er indlæst før; ellers mangler en tidligere fil."
    remedy_english = "Nothing, when the file was loaded before; else an earlier file is missing."


class OrgUnitVanished(OrganisationError):
    """A unit that was given out is in the tables no more; the form has no way to say so."""

    code = "EXT-145"
    danish = "Enhed {value} er givet ud, men findes ikke mere"
    english = "Unit {value} was given out, but is there no more"
    remedy_danish = "Indlæs enheden med en endDate, eller bestil et fuldt udtræk."
    remedy_english = "Load the unit with an endDate, or order a full extract."
