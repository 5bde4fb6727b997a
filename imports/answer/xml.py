"""Parts of a package as trees: small ones only, and nothing from outside."""

from __future__ import annotations

from lxml import etree


def parsed(part: bytes) -> etree._Element:
    """The tree of a part; raises XMLSyntaxError. Entities stay unread, comments and CDATA go."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, strip_cdata=True)
    root = etree.fromstring(part, parser)
    if root.getroottree().docinfo.internalDTD is not None:
        raise etree.XMLSyntaxError("a document type", 0, 0, 0)
    return root


def serialised(root: etree._Element) -> bytes:
    """The bytes of a part."""
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return made


def local(element: etree._Element) -> str:
    """The name without its namespace; nothing for comments and instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def namespace(root: etree._Element) -> str:
    """The namespace of a part's root as it stands before names: {…}."""
    return root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""


def child(parent: etree._Element, name: str) -> etree._Element | None:
    """The first child of that name, whatever its namespace."""
    return next((each for each in parent if local(each) == name), None)
