"""The command line: options in, one library call, result out. Nothing imports this."""
