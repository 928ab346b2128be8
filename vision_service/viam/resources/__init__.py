"""Our cameras, vision services and ML models as resources of Viam's SDK."""
