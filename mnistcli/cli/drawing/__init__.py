"""Plots, heat maps and sheets of pictures as drawings, and those as SVG, PNG and PDF."""
