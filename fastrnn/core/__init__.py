"""The ground floor: errors, checks, options, nests, seeds, registries, variables."""
