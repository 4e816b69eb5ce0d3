"""InkService: observe, decide, carry out, report."""
