"""What may be done with music: licence facts, the policy that weighs them, and the prompt guard."""
