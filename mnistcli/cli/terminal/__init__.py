"""Drawing on a terminal: what it can show, and pictures, plots and heat maps for it."""
