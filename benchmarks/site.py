"""What the site does to a page once it is rendered: paths become links, long cells are marked.

Pages name each other by path, as a reader of the repository finds them: `docs/methods.md`. Those
that scripts make, and what the site copies from the root, get their links here.
"""

import logging
import re
from typing import Any

LOG = logging.getLogger("mkdocs.hooks.site")
COPIES = {"CONTRIBUTING.md": "adding.md", "CHANGELOG.md": "changelog.md"}  # file -> its page
PATH = re.compile(
    r"(<a [^>]*>)?<code>(?:docs/([a-z-]+\.md)|(CONTRIBUTING\.md|CHANGELOG\.md))</code>"
)

CELL = re.compile(r"<td>(.*?)</td>", re.DOTALL)
LONG = 40  # characters from which on a cell is given room: assets/site.css says how much


def on_page_content(html: str, page: Any, files: Any, **given: Any) -> str:
    """Called by MkDocs with each page; a path of no page warns, which ends a strict build."""

    def link(found: re.Match[str]) -> str:
        name = found[2] or COPIES[found[3]]
        target = files.get_file_from_path(name)
        if target is None:
            LOG.warning("%s names %s, which is no page", page.file.src_uri, name)
        if found[1] or target is None or target == page.file:
            return found[0]
        return f'<a href="{target.url_relative_to(page.file)}">{found[0]}</a>'

    def cell(found: re.Match[str]) -> str:
        text = re.sub("<.*?>", "", found[1])
        return f'<td class="long">{found[1]}</td>' if len(text) > LONG else found[0]

    return CELL.sub(cell, PATH.sub(link, html))
