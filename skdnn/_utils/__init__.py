"""Helpers, and the one place for private names of other libraries."""
