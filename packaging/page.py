"""Replaces the relative links in a wheel's METADATA, because they do not work on the page of a package index.

Links and pictures get the address of the repository at the tag of the release. Without a repository, a link becomes its
text and a picture is removed. Code blocks are not changed.

Usage: page.py METADATA VERSION [REPOSITORY]. It changes the file.
"""

import re
import sys

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#)([^)\s]+)\)")


def with_addresses(page, version, repository):
    """`page` with absolute links only."""

    def link(match):
        picture, text, path = match.groups()
        if not repository:
            return "" if picture else text
        return f"{picture}[{text}]({repository.rstrip('/')}/{'raw' if picture else 'blob'}/v{version}/{path})"

    parts = re.split(r"(^```.*?^```$)", page, flags=re.M | re.S)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def main():
    path, version, *repository = sys.argv[1:]
    with open(path, encoding="utf-8", newline="") as file:
        head, page = file.read().split("\n\n", 1)
    page = with_addresses(page, version, repository[0] if repository else "")
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(f"{head}\n\n{page}")


if __name__ == "__main__":
    main()
