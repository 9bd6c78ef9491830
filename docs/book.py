#!/usr/bin/env python3
"""What mdBook runs over the pages: the README becomes the first page, and a link to a file that is no page becomes its path."""

import json
import os
import re
import sys

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
DOCS = os.path.dirname(os.path.abspath(__file__))


def pages(items):
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            yield chapter
            yield from pages(chapter["sub_items"])


def rewritten(text, folder, known):
    """The text of a page in `folder`, which is relative to docs/."""

    def link(match):
        image, name, target, anchor = match.groups()
        if not target or "://" in target or image:
            return match.group(0)
        path = os.path.normpath(os.path.join(folder, target))
        if path in known:
            return f"[{name}]({os.path.relpath(path, folder)}{anchor or ''})"
        in_repository = os.path.normpath(os.path.join("docs", path))
        return name if name.strip("`") == in_repository else f"{name} (`{in_repository}`)"

    # What looks like a link in a listing is none.
    parts = re.split(r"(^```.*?^```)", text, flags=re.S | re.M)
    return "".join(part if at % 2 else LINK.sub(link, part) for at, part in enumerate(parts))


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "supports":
        return
    _, book = json.load(sys.stdin)
    chapters = list(pages(book.get("items", book.get("sections", []))))
    known = {chapter["path"] for chapter in chapters if chapter["path"]}
    for chapter in chapters:
        folder = os.path.dirname(chapter["path"] or "") or "."
        text = chapter["content"]
        if chapter["path"] == "introduction.md":
            with open(os.path.join(DOCS, "../README.md"), encoding="utf-8") as readme:
                text = re.sub(r"\]\((?!docs/|[a-z]+:|#)", "](../", readme.read()).replace("](docs/", "](")
        chapter["content"] = rewritten(text, folder, known)
    json.dump(book, sys.stdout)


main()
