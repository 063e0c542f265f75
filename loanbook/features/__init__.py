"""validated → features: what was known of an application when it was decided."""
