"""Reports as HTML: templates, style, charts, and the folder they are kept in."""
