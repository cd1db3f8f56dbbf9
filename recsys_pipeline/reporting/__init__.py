"""The weekly report: one page for people, as HTML and as Markdown."""
