"""The block as PLCopen XML (TC6, from which IEC 61131-10 was made): the form that CODESYS and its relatives import.

Namespace tc6_0200, as CODESYS reads and writes it. The statements in the bodies are the source's own, letter by letter.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from jidoka.handover.source import Declaration, Section, Unit

NAMESPACE = "http://www.plcopen.org/xml/tc6_0200"
XHTML = "http://www.w3.org/1999/xhtml"
#: a file of the same site is the same file: no clock in it
CREATED = "2000-01-01T00:00:00"
LISTS = {"VAR_INPUT": "inputVars", "VAR_OUTPUT": "outputVars", "VAR_IN_OUT": "inOutVars", "VAR_TEMP": "tempVars",
         "VAR": "localVars"}  # fmt: skip
ELEMENTARY = frozenset({"BOOL", "UINT", "UDINT", "DWORD", "WORD", "INT", "DINT", "TIME"})


def plcopen_of(units: list[Unit], name: str, version: str, note: str) -> bytes:
    """The whole file. note: stands in the header's comment and in the block's documentation."""
    project = Xml.Element("project", {"xmlns": NAMESPACE})
    Xml.SubElement(
        project, "fileHeader",
        {"companyName": "The Jidoka authors", "productName": "jidoka", "productVersion": version,
         "creationDateTime": CREATED, "contentDescription": note},
    )  # fmt: skip
    content = Xml.SubElement(project, "contentHeader", {"name": name, "modificationDateTime": CREATED})
    coordinates = Xml.SubElement(content, "coordinateInfo")
    for language in ("fbd", "ld", "sfc"):
        Xml.SubElement(Xml.SubElement(coordinates, language), "scaling", {"x": "1", "y": "1"})
    types = Xml.SubElement(project, "types")
    Xml.SubElement(types, "dataTypes")
    pous = Xml.SubElement(types, "pous")
    for unit in units:
        _pou(pous, unit)
    Xml.SubElement(Xml.SubElement(project, "instances"), "configurations")
    Xml.indent(project, " ")
    for body in project.iter("xhtml"):
        body.tail = None
    written: bytes = Xml.tostring(project, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


POU_TYPES = {"FUNCTION": "function", "FUNCTION_BLOCK": "functionBlock", "PROGRAM": "program"}


def _pou(pous: Xml.Element, unit: Unit) -> None:
    pou = Xml.SubElement(pous, "pou", {"name": unit.name, "pouType": POU_TYPES[unit.kind]})
    interface = Xml.SubElement(pou, "interface")
    if unit.result:
        _type(Xml.SubElement(interface, "returnType"), unit.result)
    for section in unit.sections:
        _list(interface, section)
    _text(Xml.SubElement(Xml.SubElement(pou, "body"), "ST"), unit.body)
    if unit.head:
        _text(Xml.SubElement(pou, "documentation"), unit.head.removeprefix("(*").removesuffix("*)").strip())


def _list(interface: Xml.Element, section: Section) -> None:
    modifiers = {"CONSTANT": {"constant": "true"}, "RETAIN": {"retain": "true"}}.get(section.modifier, {})
    variables = Xml.SubElement(interface, LISTS[section.kind], modifiers)
    for each in section.declarations:
        _variable(variables, each)


def _variable(variables: Xml.Element, each: Declaration) -> None:
    variable = Xml.SubElement(variables, "variable", {"name": each.name})
    kind = Xml.SubElement(variable, "type")
    if each.bounds is None:
        _type(kind, each.type)
    else:
        array = Xml.SubElement(kind, "array")
        Xml.SubElement(array, "dimension", {"lower": str(each.bounds[0]), "upper": str(each.bounds[1])})
        _type(Xml.SubElement(array, "baseType"), each.type)
    if each.initial:
        Xml.SubElement(Xml.SubElement(variable, "initialValue"), "simpleValue", {"value": each.initial})
    if each.comment:
        _text(Xml.SubElement(variable, "documentation"), each.comment)


def _type(parent: Xml.Element, name: str) -> None:
    if name in ELEMENTARY:
        Xml.SubElement(parent, name)
    else:
        Xml.SubElement(parent, "derived", {"name": name})


def _text(parent: Xml.Element, text: str) -> None:
    Xml.SubElement(parent, "xhtml", {"xmlns": XHTML}).text = text


def bodies_of(document: bytes) -> dict[str, str]:
    """POU's name -> its Structured Text, as somebody who imports the file reads it."""
    project = Xml.fromstring(document)  # noqa: S314 - our own file
    spaces = {"p": NAMESPACE, "x": XHTML}
    return {
        str(pou.get("name")): pou.findtext("p:body/p:ST/x:xhtml", "", spaces)
        for pou in project.findall("p:types/p:pous/p:pou", spaces)
    }
