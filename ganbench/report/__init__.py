"""A results folder as one page, and as figures for papers."""
