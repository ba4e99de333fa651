"""One module for each command, whose help is in `commands.txt`."""
