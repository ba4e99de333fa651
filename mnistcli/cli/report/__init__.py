"""A report as one page for a browser, which needs nothing else, or as Markdown."""
