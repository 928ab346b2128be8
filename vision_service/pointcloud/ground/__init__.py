"""The ground that is no plane: heights by patches, and the directions and facts that are told of it."""
