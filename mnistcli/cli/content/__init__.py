"""What a person is shown, in parts, plots, numbers and sentences; others draw and write it."""
