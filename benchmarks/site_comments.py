"""What the site's API shows of fields: here they are told by comments, not by docstrings."""

from typing import Any

import griffe


class Comments(griffe.Extension):
    """Takes the comment behind an attribute, or `#:` above it, for its docstring."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **given: Any) -> None:
        """Called by griffe with each attribute that it finds."""
        if attr.docstring is not None or attr.lineno is None or attr.endlineno is None:
            return
        lines = attr.lines_collection[attr.filepath]  # the first is 1
        last, above = lines[attr.endlineno - 1], lines[attr.lineno - 2]
        told = ""
        if "  # " in last:
            told = last.split("  # ", 1)[1]
        elif above.strip().startswith("#:"):
            told = above.strip().removeprefix("#:").strip()
        if told and not told.startswith("type:"):
            attr.docstring = griffe.Docstring(told, parent=attr)
