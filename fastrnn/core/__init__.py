"""What every floor uses: errors, checks, nests, random numbers, registries, variables."""
