"""Pages about played histories: the tear sheet and the heat map of a sweep."""
