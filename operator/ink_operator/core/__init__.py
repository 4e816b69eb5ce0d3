"""What every layer shares: errors, results, object references, comparison. No I/O, no clock."""
