"""Scripts of the galleries run when the pages are built, not when pytest imports modules."""

collect_ignore_glob = [
    "_build/*",
    "_sphinx/*",
    "lesson/*",
    "examples/*",
    "auto_*",
    "api/generated/*",
]
