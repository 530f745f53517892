"""Arrays by the digest of what they were computed from, safe against a killed writer."""
