"""The table of elements in wsdl/PosteringerInd/README.md is that of the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opus_soap.interfaces.postings_in.schema import FOLDER, Sequence, parts

ROW = re.compile(r"^\| `([A-Z0-9_/]+)` \| (must)? ?\| ?(.*?) ?\| .+ \| .+ \| .+ \|$", re.MULTILINE)


def in_order(content: Sequence, prefix: str = "") -> Iterator[tuple[str, bool, int | None]]:
    """Name, whether it must be there, greatest length."""
    for child in content.children:
        if not isinstance(child.content, Sequence):
            yield prefix + child.name, child.required, child.content.longest
        elif child.name == "FILES":
            yield child.name, child.required, None
            yield from in_order(child.content, "FILES/")
        else:
            yield from in_order(child.content)


def test_each_element_stands_there_in_order_with_its_length():
    listed = ROW.findall((FOLDER / "README.md").read_text("utf-8"))
    declared = [row for part in parts().values() for row in in_order(part)]
    assert [(name, must == "must") for name, must, _ in listed] == [row[:2] for row in declared]
    for (name, _, form), (*_, longest) in zip(listed, declared, strict=True):
        assert longest is None or str(longest) in form, name
