"""Who trains the groups of a sweep."""
