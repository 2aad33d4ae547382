"""One module a format of files: from its bytes to samples, in bounded memory."""
