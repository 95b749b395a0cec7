"""Options on the practice gateway: contracts, chains, quotes and orders on the wire."""
